# SPDX-License-Identifier: BSD-3-Clause
# gnuplot -e "table='ratios.tsv'; output_file='benchmarks.svg'" chart.gp
set terminal svg size 1200,520 font 'sans,13' background 'white'
set output output_file
set datafile separator "\t"
set style data histogram
set style histogram clustered gap 1.5
set style fill solid 0.85 noborder
set boxwidth 0.95
set logscale y 2
set yrange [0.5:6] # higher bars are cut off
set ytics (0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4, 6)
set grid ytics lc rgb '#dddddd'
set xtics noenhanced nomirror
wrapped(name) = strstrt(name, '_') ? name[1:strstrt(name, '_') - 1]."\n".name[strstrt(name, '_') + 1:*] : name
set key outside top center horizontal noenhanced
set bmargin 4
set title 'Time an operation, as a multiple of bare tcmalloc: median of interleaved rounds; less is better'
set arrow from graph 0, first 1 to graph 1, first 1 nohead lc rgb '#888888' front
plot table using (column('header')):xtic(wrapped(strcol(1))) title 'a header, nothing counted' lc rgb '#bbbbbb', \
     '' using (column('threadmeter')) title 'threadmeter' lc rgb '#d62728', \
     '' using (column('threadmeter-lto')) title 'threadmeter, static with LTO' lc rgb '#ff9896', \
     '' using (column('hooks')) title 'hooks' lc rgb '#1f77b4', \
     '' using (column('map')) title 'address map' lc rgb '#9467bd', \
     '' using (column('glibc')) title 'glibc, unmetered' lc rgb '#2ca02c', \
     '' using (column('jemalloc')) title 'jemalloc, unmetered' lc rgb '#8c564b'
