#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""usage: page.py THREADMETER MAKE_RECORDING MAKE_LONG_RECORDING PAGE_DRIVE_JS

The page of 'threadmeter report --html' in a headless browser. It shows the figures of 'report --json', writes no
messages to the console, and reacts to clicks and drags."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from browser import browser, data_in, render
from expecting import expect, finish

tool, make_recording, make_long_recording, drive = sys.argv[1:5]
if not browser:
    print('no chromium here')
    sys.exit(77)


def make(directory, readings, seed, crowd=0):
    recording = directory / f'{readings}.tmrec'
    subprocess.run([make_recording, str(readings), str(seed), recording, str(crowd)], check=True)
    return report_of(recording)


def report_of(recording):
    page = recording.with_suffix('.html')
    subprocess.run([tool, 'report', '--html', page, recording], check=True)
    report = json.loads(subprocess.run([tool, 'report', '--json', recording], check=True, capture_output=True).stdout)
    return page, report


figures = ['peak_bytes', 'at_peak_bytes', 'live_bytes', 'live_blocks', 'allocated_bytes', 'allocated_bytes_per_second',
           'remote_frees_received_bytes', 'remote_frees_made_bytes']


rate = 'allocated_bytes_per_second'
GROUPS, GROUPS_SHOWN = 100, 10


def name_of(row):
    return row['name'] or '(unnamed)'


def add_up(name, rows):
    return {'name': name, **{figure: sum(row[figure] for row in rows) if figure != rate else None for figure in figures}}


def by_name(rows):
    names = {}
    for row in rows:
        names.setdefault(name_of(row), []).append(row)
    return names


def rest_of(report, data, shown, most):
    """The rows below those that are shown: the names that most of the omitted threads have, and how many have each."""
    carried = {thread['thread'] for thread in data['threads']}
    beyond = by_name([row for row in report['threads'] if row['thread'] not in carried])
    groups = sorted(beyond, key=lambda name: (-len(beyond[name]), name))[:most]
    rest = by_name([row for row in report['threads'] if row['thread'] not in shown])
    members = sorted([(name, rest.pop(name)) for name in groups], key=lambda member: -len(member[1]))
    others = [row for rows in rest.values() for row in rows]
    return [add_up(f'{name}: {len(rows):,} threads', rows) for name, rows in members] + (
        [add_up(f'({len(others):,} more)', others)] if others else [])


def check_numbers(page, report, data):
    for name, number in [('peak', report['peak']['live_bytes']), ('end', report['process']['live_bytes']),
                         ('allocated', report['process']['allocated_bytes']), ('threads', len(report['threads'])),
                         ('resident', report['resident_peak_bytes'])]:
        expect('tile ' + name, page.numbers('tile-' + name, 'b'), [number])
    expect('program', page.id('program')['text'], report['program'])
    ordered = sorted(report['threads'], key=lambda thread: -thread['peak_bytes'])
    rows = ordered[:25]
    process = {**report['process'], 'at_peak_bytes': report['peak']['live_bytes'],
               'allocated_bytes_per_second': report['allocated_bytes_per_second']}
    more = rest_of(report, data, {row['thread'] for row in rows}, GROUPS_SHOWN)
    unseen = {**report['unseen'], 'at_peak_bytes': 0}
    below = [unseen] if unseen['allocated_blocks'] + unseen['remote_frees_received_bytes'] + unseen['remote_frees_made_bytes'] else []
    numbers, wanted = page.numbers('threads'), rows + more + below + [process]
    expect('threads', numbers, [row[figure] for row in wanted for figure in figures if row[figure] is not None])
    # The rows add up to the total, except for peaks and rates, which are no sums.
    each = iter(numbers)
    lines = [{figure: next(each, None) for figure in figures if row[figure] is not None} for row in wanted]
    for figure in figures:
        if figure not in ('peak_bytes', rate):
            expect('sum of ' + figure, sum(line[figure] for line in lines[:-1]), lines[-1][figure])
    expect('names', [e['text'] for e in page.all('th', 'threads') if 'tbody' in e['inside']],
           [name_of(row) for row in rows])
    expect('names below', [e['text'] for e in page.all('th', 'threads') if 'tfoot' in e['inside']],
           [row['name'] for row in more] + ['(exited, between two readings)'] * len(below) + ['Process'])
    tags = sorted(report['tags'], key=lambda tag: -tag['peak_bytes'])
    # Limits as JavaScript has them: above 2^53 they are not exact to the byte.
    expect('tags', list(map(float, page.numbers('tags'))), [float(number) for tag in tags for number in [tag[figure] for figure in figures] +
                                          ([tag['limit_bytes']] if tag['limit_bytes'] is not None else [])])
    cross_allocator_calls = report['cross_allocator_calls']
    expect('cross_allocator_calls', page.id('cross_allocator_calls')['text'],
           ', '.join(f'{cross_allocator_calls[each]} {each.replace("_", " ")}' for each in cross_allocator_calls))

    # Both matrices show the largest rows and columns: here these are all tags, but not all threads.
    slots = report['matrix']['at_peak']
    of_thread, of_pair = {}, {}
    for slot in slots:
        of_thread[slot['thread']] = of_thread.get(slot['thread'], 0) + slot['live_bytes']
    shown = sorted(of_thread.values(), reverse=True)[:24]
    expect('matrix', sum(page.numbers('matrix')), sum(shown))
    for flow in report['flows']:
        pair = (flow['owner'] or 'others', flow['freer'] or 'others')
        of_pair[pair] = of_pair.get(pair, 0) + flow['bytes']
    rank = [{}, {}]
    for pair, number in of_pair.items():
        for side in 0, 1:
            rank[side][pair[side]] = rank[side].get(pair[side], 0) + number
    most = [set(sorted(side, key=lambda who, side=side: -side[who])[:24]) for side in rank]
    expect('flows', sum(page.numbers('flows')),
           sum(number for pair, number in of_pair.items() if pair[0] in most[0] and pair[1] in most[1]))
    expect('legend at end', page.numbers('legend')[0], report['process']['live_bytes'])
    # Names are text: markup in them has not become an element.
    expect('markup in names', [e for e in page.elements if e['tag'] == 'b' and 'tile' not in ' '.join(map(str, e['inside']))], [])


def check_choice(data, report):
    """Of many threads, a page has the largest by each figure, and only so many that a browser opens it quickly."""
    carried = {thread['thread'] for thread in data['threads']}
    expect('threads of many', len(carried) <= 1000, True)
    for figure in figures:
        most = [thread[figure] for thread in sorted(report['threads'], key=lambda thread: -thread[figure])][124]
        expect('the first by ' + figure, [t['name'] for t in report['threads'] if t[figure] > most and t['thread'] not in carried], [])
    groups = data['thread_groups']
    expect('groups', len(groups), GROUPS)
    expect('those left', data['threads_left']['count'] + sum(group['count'] for group in groups) + len(carried), len(report['threads']))
    expect('those without a name', [group['count'] > 5000 for group in groups if group['name'] == ''], [True])


def close(one, other):
    return all(abs(a - b) < 1e-6 * max(1, abs(b)) for a, b in zip(one, other))


def check_driving(seen, data, report):
    expect('error', seen.get('error'), None)
    if 'error' in seen:
        return
    series = data['series']
    expect('canvases', seen['canvases'], 2)
    for name in 'colours', 'coloursInTheme':
        expect(name, [count > 12 for count in seen[name]], [True, True])
    whole = [series['elapsed_ns'][0] / 1e9, series['elapsed_ns'][-1] / 1e9]
    index, hover = seen['hover']['index'], seen['hover']['legend']
    for name in 'whole', 'back', 'byButton':
        expect(name, [close(each, whole) for each in seen[name]], [True, True])
    expect('hover', [row['live'] for row in hover][1:-1], [one['live'][index] for one in series['threads']][::-1])
    expect('rates', [row['rate'] for row in hover][1:-1], [one['rate'][index] for one in series['threads']][::-1])
    expect('hover, process', hover[0]['live'], sum(one['live'][index] for one in series['threads']))
    expect('hover, other chart', seen['hover']['otherIndex'], index)
    quarter, half = whole[1] / 4, whole[1] / 2
    for name in 'zoomed', 'zoomedInTheme':
        expect(name, [abs(low - quarter) < whole[1] / 50 and abs(high - half) < whole[1] / 50 for low, high in seen[name]],
               [True, True])
        expect(name + ', both', seen[name][0], seen[name][1])
    expect('zoom enables', seen['wholeEnabled'], True)
    expect('theme', seen['theme'], 'dark')
    expect('by key', [abs((high - low) - whole[1] / 2) < 1e-3 for low, high in seen['byKey']], [True, True])
    expect('moved by key', bool(re.fullmatch(r'at [0-9.]+ s', seen['movedByKey'])), True)
    expect('stacked', seen['stacked'], report['peak']['live_bytes'])
    expect('pressed', seen['pressed'], 'false')
    expect('stacked without', seen['stackedWithout'], seen['without'])
    expect('without is less', seen['without'] < seen['stacked'], True)
    expect('resident', seen['resident'], max(series['resident']))
    expect('tags', [row['live'] for row in seen['tags']][1:-1], [one['live'][-1] for one in series['tags']][::-1])
    expect('sorted by', seen['sorted'], 'Thread')
    expect('names, up', len(set(seen['byName'][:3]) & set(seen['byNameDown'][:3])), 0)
    expect('all rows', seen['all'], len(data['threads']))
    below = rest_of(report, data, {thread['thread'] for thread in data['threads']}, GROUPS)
    expect('all below', seen['below'][:len(below)],
           [{'name': row['name'], 'numbers': [row[figure] for figure in figures if figure != rate]} for row in below])
    if below:
        expect('names of too few', len(below) == GROUPS + 1 and bool(re.fullmatch(r'\([0-9,]+ more\)', below[-1]['name'])), True)
    live = {}
    for slot in report['matrix']['at_end']:
        live[slot['thread']] = live.get(slot['thread'], 0) + slot['live_bytes']
    expect('matrix at end', seen['matrixAtEnd'], sum(sorted(live.values(), reverse=True)[:24]))


def drive_page(directory, text, report):
    """The page with a script that acts as a user. The page's policy allows no other scripts, so it is removed here."""
    driven = directory / 'driven.html'
    driven.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', '', text).replace(
        '</body>', '<script>' + pathlib.Path(drive).read_text() + '</script></body>'))
    page, said = render(driven)
    expect('console, driven', said, [])
    check_driving(json.loads(page.id('drive')['text']), data_in(text), report)


with tempfile.TemporaryDirectory() as name:
    directory = pathlib.Path(name)
    path, report = make(directory, 300, 7)
    text = path.read_text()
    page, said = render(path)
    expect('console', said, [])
    check_numbers(page, report, data_in(path.read_text()))
    expect('loads nothing', re.findall(r'''(?:src|href)\s*=\s*["']|url\(|@import''', re.sub(r'<script.*?</script>', '', text, flags=re.S)), [])

    drive_page(directory, text, report)

    # With the policy, the other script must not run.
    refused = directory / 'refused.html'
    refused.write_text(text.replace('</body>', '<script>document.title = "taken"</script></body>'))
    page, said = render(refused)
    expect('a foreign script', [page.id('program')['text'], any('Content Security Policy' in line for line in said),
                                'taken' in page.all('title', 'head')[0]['text']], [report['program'], True, False])

    # Many readings become fewer points, with the highest among them; one reading makes a page, too; and a narrow
    # window.
    path, report = make(directory, 7000, 3)
    series = data_in(path.read_text())['series']
    page, said = render(path, 500)
    expect('console, many', said, [])
    # A point for each four readings, and for the first and the last.
    expect('points', 1750 <= len(series['elapsed_ns']) <= 1752, True)
    expect('minutes', '0:11:40' in page.id('about')['text'], True)
    expect('first and last', [series['elapsed_ns'][0], series['elapsed_ns'][-1]], [0, report['duration_ns']])
    expect('in order', series['elapsed_ns'], sorted(series['elapsed_ns']))
    expect('highest point', max(map(sum, zip(*(one['live'] for one in series['threads'])))), report['peak']['live_bytes'])
    expect('highest, by tag', max(map(sum, zip(*(one['live'] for one in series['tags'])))), report['peak']['live_bytes'])
    expect('thinned', f"{len(series['elapsed_ns'])} points" in page.id('thinned')['text'], True)
    check_numbers(page, report, data_in(path.read_text()))

    # 150,000 threads, as in a server that starts one for each request.
    path, report = make(directory, 150, 9, 1000)
    text = path.read_text()
    expect('size of many', len(text) < 1000000, True)
    page, said = render(path)
    expect('console, threads', said, [])
    expect('many threads', len(report['threads']) > 150000, True)
    check_choice(data_in(text), report)
    check_numbers(page, report, data_in(path.read_text()))
    drive_page(directory, text, report)

    # There may be as many tags; here each thread has one of its own.
    recording = directory / 'tags.tmrec'
    subprocess.run([make_long_recording, '3000', '2500', '10', '2', recording], check=True)
    path, report = report_of(recording)
    data = data_in(path.read_text())
    page, said = render(path)
    expect('console, tags', said, [])
    expect('tags of many', len(data['tags']) <= 1000, True)
    ordered = sorted(report['tags'], key=lambda tag: -tag['peak_bytes'])
    shown = [figure for figure in figures if figure != 'allocated_bytes_per_second']
    expect('tags, and those left', page.numbers('tags')[-len(shown):], [sum(tag[figure] for tag in ordered[25:]) for figure in shown])
    at_peak = sorted((cell['live_bytes'] for cell in report['matrix']['at_peak'] if cell['tag']), reverse=True)
    expect('matrix of many', page.numbers('matrix') != [] and max(page.numbers('matrix')), at_peak[0])

    path, report = make(directory, 1, 5)
    page, said = render(path)
    expect('console, one', said, [])
    expect('one reading', page.numbers('tile-end', 'b'), [report['process']['live_bytes']])

finish()
