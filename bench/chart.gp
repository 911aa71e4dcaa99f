# SPDX-License-Identifier: BSD-3-Clause
# gnuplot -e "folder='bench-results'; chart='ratios'" chart.gp
# The chart of that name from the tables with tabs in that folder, of those contenders below that the tables have.
shown = 'header threadmeter threadmeter-lto threadmeter-no-depot threadmeter-run hooks glibc jemalloc mimalloc mimalloc3 rpmalloc snmalloc tcmalloc'
colours = '#bbbbbb #d62728 #ff9896 #e377c2 #ff7f0e #1f77b4 #2ca02c #8c564b #bcbd22 #9467bd #17becf #7f7f7f #000000'

number_of(name) = sum [i = 1:words(shown)] (word(shown, i) eq name ? i : 0)
colour_of(name) = number_of(name) ? word(colours, number_of(name)) : '#444444'
file_of(name) = folder.'/'.name.'.tsv'
# The head of a table, and whether a contender is in it; nothing is drawn of a table that was not measured.
head_of(name) = system("sed 's/\\t/ /g;q' '".file_of(name)."' 2>/dev/null || true")
in_table(name, head) = strstrt(' '.head.' ', ' '.name.' ') > 0

set datafile separator "\t" columnheaders
set key noenhanced
set output folder.'/'.chart.'.svg'

if (chart eq 'ratios') {
    head = head_of('ratios')
    bars = ''
    do for [name in shown] {
        if (name ne 'tcmalloc' && in_table(name, head)) { bars = bars.name.' ' }
    }
    if (words(bars) == 0) { exit }
    set terminal svg size 1800,560 font 'sans,13' background 'white'
    set style data histogram
    set style histogram clustered gap 1.5
    set style fill solid 0.85 noborder
    set boxwidth 0.95
    set logscale y 2
    set yrange [0.25:6] # higher bars are cut off
    set ytics (0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4, 6)
    set grid ytics lc rgb '#dddddd'
    set xtics noenhanced nomirror rotate by 35 right
    set key outside top center horizontal noenhanced
    set bmargin 8
    set title 'Time an operation, as a multiple of bare tcmalloc: median of interleaved rounds; less is better'
    set arrow from graph 0, first 1 to graph 1, first 1 nohead lc rgb '#888888' front
    plot for [name in bars] file_of('ratios') using (column(name)):xtic(1) title name \
        lc rgb colour_of(name)
} else {
    set terminal svg size 1200,520 font 'sans,13' background 'white'
    set logscale x 2
    set xrange [8:65536]
    set xtics ('8' 8, '16' 16, '32' 32, '64' 64, '128' 128, '256' 256, '512' 512, '1 K' 1024, '2 K' 2048, '4 K' 4096, \
        '8 K' 8192, '16 K' 16384, '32 K' 32768, '64 K' 65536)
    set logscale y 2
    set yrange [4:128]
    set grid lc rgb '#dddddd'
    set xlabel 'bytes'
    set ylabel 'ns'
    set style data linespoints
    set multiplot layout 1,2
    titles = 'malloc_and_free one_of_256_blocks_replaced,_sizes_around_this_one'
    do for [i = 1:2] {
        table = word('pair_by_size random_by_size', i)
        head = head_of(table)
        lines = ''
        do for [name in 'glibc jemalloc mimalloc mimalloc3 rpmalloc snmalloc threadmeter-no-depot tcmalloc threadmeter'] {
            if (in_table(name, head)) { lines = lines.name.' ' }
        }
        if (words(lines) > 0) {
            set title system("echo '".word(titles, i)."' | tr _ ' '")
            set key top left
            plot for [name in lines] file_of(table) using 1:(column(name)) title name lc rgb colour_of(name) \
                lw (name eq 'threadmeter' || name eq 'tcmalloc' ? 2.5 : 1) pt 7 ps 0.3
        }
    }
    unset multiplot
}
