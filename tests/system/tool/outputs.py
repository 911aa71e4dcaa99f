#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""usage: outputs.py THREADMETER MADE_PROCESS TOP_CELLS PAGE

All outputs show the same for one process whose figures are known. Each output is parsed into cells: (kind of row, row,
column) and the contents. The figures of all slots are written here, once, by hand, and so are the columns of each output. A cell
that is missing, that is not expected, or that has other contents is an error: so no output can omit what the others
show, or use other words."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from browser import browser, data_in, render

tool, made_process, top_cells, has_page = sys.argv[1:5]
failures = 0

# ---- the expected cells ----

counters = ('allocated_bytes allocated_blocks freed_bytes freed_blocks '
            'remote_frees_received_bytes remote_frees_received_blocks remote_frees_made_bytes').split()
totals = 'live_bytes live_blocks peak_bytes'.split() + counters
MADE_WORKER, WORKER, ODD = 'w\1rk<er>&"', 'w?rk<er>&"', 'o"dd<b>'

# The slots, as made_process writes them: thread, tag, counters, the slot's peak, the peak of the thread's slots together.
made = [
    ('(late)',     '',       [80, 2, 9, 1, 9, 1, 0],       77, 0),
    ('(overflow)', '',       [21, 3, 1, 1, 0, 0, 6],       21, 0),
    ('(exited)',   '',       [30, 8, 30, 8, 12, 1, 3],     22, 22),
    ('main',       '',       [350, 17, 100, 6, 50, 4, 47], 255, 360),
    ('main',       'upload', [90, 4, 0, 0, 0, 0, 0],       92, 0),
    (MADE_WORKER,  '',       [300, 5, 30, 3, 20, 2, 36],   280, 320),
    (MADE_WORKER,  'upload', [7, 1, 0, 0, 0, 0, 0],        7, 0),
    (MADE_WORKER,  ODD,      [44, 3, 4, 1, 4, 1, 0],       41, 0),
    ('(unnamed)',  'ended',  [66, 6, 5, 2, 2, 1, 5],       63, 63),
]
states = {'main': ('main', 'live'), WORKER: ('worker', 'live'), '(unnamed)': ('lost', 'orphan'),
          '(shared) late': (None, 'late'), '(shared) overflow': (None, 'overflow')}
tag_states = {'upload': ('open', 900), 'ended': ('ended', None), ODD: ('open', None)}


def shown(thread):
    return {'(late)': '(shared) late', '(overflow)': '(shared) overflow', MADE_WORKER: WORKER}.get(thread, thread)


def sum_of(rows, peak):
    """The columns of `totals`."""
    sums = dict(zip(counters, map(sum, zip(*(row[2] for row in rows)))))
    return [sums['allocated_bytes'] - sums['freed_bytes'], sums['allocated_blocks'] - sums['freed_blocks'], peak, *sums.values()]


def share_of(figures):
    """The share of remote frees in all frees, in percent."""
    row = dict(zip(totals, figures))
    freed, received = row['freed_bytes'], row['remote_frees_received_bytes']
    return str((200 * received + freed) // (2 * freed)) if freed else '-'


def bounded(rows):
    return sum_of(rows, sum(row[3] for row in rows)) # the peak of a sum is a bound


exited = bounded([row for row in made if row[0] == '(exited)'])
process = bounded(made)
slots = {f'{shown(row[0])} | {row[1] or "(none)"}': bounded([row]) for row in made if row[0] != '(exited)'}
threads = {}
for name in states:
    rows = [row for row in made if shown(row[0]) == name]
    threads[name] = sum_of(rows, max(max(row[3:]) for row in rows))
tags = {name: bounded([row for row in made if row[1] == name]) for name in tag_states}
# Series have the names of threads: both shared slots are one series, and so are all exited threads.
series = {
    **{row: figures for row, figures in slots.items() if not row.startswith('(shared)')},
    '(shared) | (none)': sum_of([row for row in made if shown(row[0]).startswith('(shared)')], None),
    '(exited) | (none)': sum_of([row for row in made if row[0] == '(exited)'], None),
}
flows = { # thread ids of owner and freer, bytes, blocks, percent of all
    f'main > {WORKER}':    ('main', 'worker', 36, 2, 37),
    f'{WORKER} > main':    ('worker', 'main', 24, 3, 25),
    'brief > main':        ('brief', 'main', 12, 1, 12),
    '(shared) > main':     (None, 'main', 9, 1, 9),
    '(unnamed) > main':    ('lost', 'main', 2, 1, 2),
    '(others) > (others)': (None, None, 14, 2, 14),
}
calls = {'foreign_frees': 1, 'foreign_reallocs': 2, 'intercepted_frees': 3, 'intercepted_reallocs': 4, 'errors_reported': 5}


def oracle(tids):
    """All cells. `tids` are the threads' ids, as the process prints them."""
    tid = lambda thread: tids[thread] if thread else '-'
    cells = {}
    for name, (thread, state) in states.items():
        row = {'tid': tid(thread), 'state': state, 'share': share_of(threads[name]), **dict(zip(totals, threads[name]))}
        cells.update({('thread', name, column): cell for column, cell in row.items()})
    for name, (state, limit) in tag_states.items():
        row = {'state': state, 'limit_bytes': limit, 'share': share_of(tags[name]), **dict(zip(totals, tags[name]))}
        cells.update({('tag', name, column): cell for column, cell in row.items()})
    for kind, rows in (('slot', slots), ('series', series), ('exited', {'': exited}), ('process', {'': process})):
        for name, figures in rows.items():
            cells.update({(kind, name, column): cell for column, cell in zip(totals, figures)})
    for name, (owner, freer, size, blocks, share) in flows.items():
        row = {'owner_tid': tid(owner), 'freer_tid': tid(freer), 'bytes': size, 'blocks': blocks, 'share': share}
        cells.update({('flow', name, column): cell for column, cell in row.items()})
    cells.update({('calls', '', name): count for name, count in calls.items()})
    cells.update({('exited', '', 'share'): share_of(exited), ('exited', '', 'tid'): '-', ('process', '', 'share'): share_of(process),
                  ('process', '', 'live_threads'): 2, ('process', '', 'orphans'): 1})
    return cells


def is_of_thread(row):
    return not row.startswith('(shared)')


# What an output has: for each kind of row its columns, and which rows, if not all.
table = 'live_bytes live_blocks peak_bytes allocated_bytes remote_frees_received_bytes remote_frees_made_bytes'
recorded = 'live_bytes peak_bytes allocated_bytes remote_frees_received_bytes remote_frees_made_bytes'
in_page = recorded + ' live_blocks'
of_flow = 'owner_tid freer_tid bytes blocks'
all_totals, all_calls = ' '.join(totals), ' '.join(calls)
of_series = all_totals.replace('peak_bytes ', '')
in_text = {'thread': 'tid state ' + table, 'exited': table, 'process': table, 'tag': 'state limit_bytes ' + table,
           'slot': ('live_bytes', is_of_thread), 'flow': of_flow + ' share', 'calls': all_calls}
in_json = {'thread': 'tid state ' + all_totals, 'exited': all_totals, 'process': all_totals,
           'tag': 'state limit_bytes ' + all_totals, 'slot': all_totals, 'flow': of_flow, 'calls': all_calls}
tells = {
    'tm_report': in_text, 'dump': in_text, 'top --once': in_text,
    'report': {**in_text, 'thread': 'tid state ' + recorded, 'exited': recorded, 'process': recorded,
               'tag': 'state limit_bytes ' + recorded},
    'dump --json': in_json, 'top --once --json': in_json,
    'report --json': {**in_json, 'slot': 'live_bytes live_blocks'},
    'data of the page': {**in_json, 'slot': ('live_bytes live_blocks', is_of_thread)}, # what is shared is in no tag
    'legend of the page': {'thread': ('tid live_bytes', lambda row: True), 'tag': 'live_bytes'},
    'page': {'thread': 'tid state ' + in_page, 'exited': in_page, 'process': in_page, 'tag': 'state limit_bytes ' + in_page,
             'slot': ('live_bytes', is_of_thread), 'flow': 'owner_tid freer_tid bytes', 'calls': all_calls},
    'screens of top': {'thread': 'tid state share live_bytes live_blocks peak_bytes allocated_bytes remote_frees_made_bytes',
                       'exited': 'tid share live_bytes live_blocks allocated_bytes remote_frees_made_bytes',
                       'process': 'live_bytes live_blocks share live_threads orphans',
                       'tag': 'state limit_bytes share live_bytes live_blocks peak_bytes allocated_bytes',
                       'slot': 'live_bytes', 'calls': all_calls},
    'export': {'series': of_series, 'process': all_totals,
               'tag': ('limit_bytes', lambda row: tag_states[row][1] is not None), 'calls': all_calls},
    'list': {'process': 'live_threads live_bytes'},
}


def compare(output, found, wanted):
    global failures
    asked = {}
    for kind, columns in tells[output].items():
        columns, has_row = columns if isinstance(columns, tuple) else (columns, lambda row: True)
        asked.update({key: cell for key, cell in wanted.items()
                      if key[0] == kind and key[2] in columns.split() and has_row(key[1])})
    for key in {**asked, **found}:
        if found.get(key, 'nothing') != asked.get(key, 'nothing'):
            failures += 1
            print(f'FAIL {output}, {" / ".join(key)}: {found.get(key, "nothing")!r}, and not {asked.get(key, "nothing")!r}')


# ---- outputs as cells ----

def run(*arguments):
    return subprocess.run([tool, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def number(text):
    """A count, or a size that is shown to the byte."""
    match = re.fullmatch(r'(?:<= )?([0-9]+)(?: B| %)?', text.strip())
    return int(match.group(1)) if match else text.strip()


def with_state(name, state):
    return f'{name} {state}' if name == '(shared)' else name


def cells_of(kind, row, columns, values):
    return {(kind, row, column): value for column, value in zip(columns, values)}


def parts_of(text):
    """The tables of a text, with the first words of their headings as keys."""
    parts = {}
    for part in text.split('\n\n'):
        lines = part.splitlines()
        while lines and not re.match(r'[A-Z ,]{3}', lines[0]):
            lines = lines[1:]
        if lines:
            parts[re.split(r'  ', lines[0])[0]] = lines
    return parts


columns_of_text = {'LIVE': 'live_bytes', 'BLOCKS': 'live_blocks', 'PEAK': 'peak_bytes', 'AT PEAK': 'live_bytes at peak',
                   'AT END': 'live_bytes', 'ALLOCATED': 'allocated_bytes', 'PER SECOND': 'rate',
                   'FREED BY OTHERS': 'remote_frees_received_bytes', 'FREED FOR OTHERS': 'remote_frees_made_bytes',
                   'LIMIT': 'limit_bytes', 'STATE': 'state'}


def figures_of(line, heading):
    """A row's figures, by column: numbers end where their titles end, and states begin where their title begins."""
    row = {}
    begin = 35
    for title in re.finditer(r'(?:[A-Z]+ )*[A-Z]+', heading[35:]):
        end = 35 + title.end() if title.group() != 'STATE' else None
        row[columns_of_text[title.group()]] = number(line[begin:end]) if line[begin:end].strip() else None
        begin = end
    row.pop('rate', None)
    at_peak = row.pop('live_bytes at peak', None) # the process has not changed
    return {**row, 'live_bytes': row['live_bytes'] if at_peak in (None, row['live_bytes']) else f'{at_peak} at peak'}


def cells_of_calls(text):
    return {('calls', '', words.replace(' ', '_')): int(count)
            for count, words in re.findall(r'([0-9]+) ((?:foreign|intercepted|errors) [a-z]+)', text)}


def cells_of_text(text):
    parts, cells = parts_of(text), {}
    heading, *lines = parts['THREAD']
    for line in lines:
        name, state = line[:16].rstrip(), line[27:35].strip()
        kind, row = (('process', '') if name == 'total' else ('exited', '') if name.startswith('(exited') else
                     ('thread', with_state(name, state)))
        if kind == 'thread':
            cells.update({(kind, row, 'tid'): line[16:25].strip(), (kind, row, 'state'): state})
        cells.update({(kind, row, column): cell for column, cell in figures_of(line, heading).items()})
    heading, *lines = parts.get('TAG', ['TAG'])
    for line in lines:
        cells.update({('tag', line[:35].rstrip(), column): cell for column, cell in figures_of(line, heading).items()})
    heading, *lines = parts.get('LIVE, BY TAG') or parts['AT PEAK, BY TAG']
    columns = [heading[at:at + 14].strip() for at in range(25, len(heading), 14)]
    for line in lines:
        for i, column in enumerate(columns):
            if number(line[25 + 14 * i:39 + 14 * i]) != 0:
                cells[('slot', f'{line[:16].rstrip()} | {column}', 'live_bytes')] = number(line[25 + 14 * i:39 + 14 * i])
    for line in parts.get('OWNER', [''])[1:]:
        owner, owner_tid, freer, freer_tid = line[:16], line[16:25], line[27:43], line[43:52]
        if owner.startswith('(others'):
            owner, owner_tid, freer, freer_tid = '(others)', '-', '(others)', '-'
        cells.update(cells_of('flow', f'{owner.rstrip()} > {freer.rstrip()}', (of_flow + ' share').split(),
                              [owner_tid.strip(), freer_tid.strip(), *map(number, (line[54:65], line[65:74], line[74:]))]))
    return {**cells, **cells_of_calls(text)}


def cells_of_json(reading):
    cells = {}
    of_thread, of_tag = {}, {0: '(none)'}
    figures = lambda kind, row, of: cells.update({(kind, row, column): of[column] for column in totals if column in of})
    tid = lambda number: str(number) if number else '-'
    for thread in reading['threads']:
        row = with_state(thread['name'], thread['state'])
        of_thread[thread['thread'] or thread['state']] = row
        figures('thread', row, thread)
        cells.update({('thread', row, 'tid'): tid(thread['tid']), ('thread', row, 'state'): thread['state']})
    for tag in reading['tags']:
        of_tag[tag['tag']] = tag['name']
        figures('tag', tag['name'], tag)
        cells.update({('tag', tag['name'], column): tag.get(column) for column in ('state', 'limit_bytes')})
    figures('process', '', reading['process'])
    figures('exited', '', reading['retired'])
    shared = iter(['late', 'overflow']) # of which slots have no name, in this order
    for slot in reading.get('slots') or reading['matrix']['at_end']:
        row = f'{of_thread[slot["thread"] or next(shared)]} | {of_tag[slot["tag"]]}'
        figures('slot', row, slot)
    for flow in reading['flows']:
        cells.update(cells_of('flow', f'{flow["owner_name"]} > {flow["freer_name"]}', of_flow.split(),
                              [tid(flow['owner_tid']), tid(flow['freer_tid']), flow['bytes'], flow['blocks']]))
    return {**cells, **{('calls', '', name): count for name, count in reading['cross_allocator_calls'].items()}}


def cells_of_recorded(report):
    """Like other JSON; and nothing has changed between the readings, and no growth was missed before the first one."""
    cells = cells_of_json(report)
    at_peak = cells_of_json({**report, 'matrix': {'at_end': report['matrix']['at_peak']}})
    of_unseen = {('exited', '', column): cell for column, cell in report['unseen'].items() if column in totals}
    return {**cells, **{key: cell for key, cell in {**at_peak, **of_unseen}.items() if cell != cells.get(key)}}


def cells_of_legend(data):
    cells = {}
    for kind in 'thread', 'tag':
        *shown, other = data['series'][kind + 's']
        for one in shown:
            cells[(kind, one['name'], 'live_bytes')] = one['live'][-1]
            if kind == 'thread':
                cells[(kind, one['name'], 'tid')] = str(one.get('tid', '-'))
    return cells


def rows_of_page(page, inside):
    """Rows of cells: numbers where the cell has one, else texts."""
    rows = []
    for element in page.elements:
        if inside in element['inside'] and element['tag'] == 'tr':
            rows.append([])
        elif inside in element['inside'] and element['tag'] in ('th', 'td'):
            rows[-1].append(int(element['data-value']) if 'data-value' in element else
                            0 if 'data-zero' in element else element['text'].strip())
    return rows


columns_of_page = {'TID': 'tid', 'State': 'state', 'Peak': 'peak_bytes', "At process's peak": 'at peak', 'At end': 'live_bytes',
                   'Blocks': 'live_blocks', 'Allocated': 'allocated_bytes', 'Per second': 'rate',
                   'Freed by others': 'remote_frees_received_bytes', 'Freed for others': 'remote_frees_made_bytes',
                   'Limit': 'limit_bytes'}


def cells_of_page(page):
    cells = {}
    for inside, kind in ('threads', 'thread'), ('tags', 'tag'):
        heading, *rows = rows_of_page(page, inside) or [[]]
        for name, *values in rows:
            row = dict(zip((columns_of_page[title] for title in heading[1:]), values))
            row.pop('rate')
            if row.pop('at peak') != row['live_bytes']:
                row['live_bytes'] = 'another at the peak'
            if kind == 'tag':
                row['limit_bytes'] = row.get('limit_bytes') or None
            its, key = (('exited', '') if name.startswith('(exited') else ('process', '') if name == 'Process' else
                        (kind, with_state(name, row.get('state'))))
            if its in ('exited', 'process'):
                row = {column: cell for column, cell in row.items() if column not in ('tid', 'state')}
            cells.update({(its, key, column): cell for column, cell in row.items()})
    name_and_tid = lambda label: re.fullmatch(r'(.*?)(?: ([0-9]+))?', label).groups('-')
    for inside in 'matrix', 'flows':
        heading, *rows = rows_of_page(page, inside) or [[]]
        for label, *values in rows:
            name, tid = name_and_tid(label)
            for other, value in zip(heading[1:], values):
                other, other_tid = name_and_tid(other)
                if value != 0 and inside == 'matrix':
                    cells[('slot', f'{name} | {other.replace("(no tag)", "(none)")}', 'live_bytes')] = value
                elif value != 0:
                    cells.update(cells_of('flow', f'{name} > {other}', ('owner_tid', 'freer_tid', 'bytes'), (tid, other_tid, value)))
    return {**cells, **cells_of_calls(page.id('cross_allocator_calls')['text'])}


columns_of_top = {'TID': 'tid', 'LIVE': 'live_bytes', 'PEAK': 'peak_bytes', 'PEAK <=': 'peak_bytes', 'BLOCKS': 'live_blocks',
                  'OTHERS': 'share', 'ALLOCATED': 'allocated_bytes', 'FOR OTHERS': 'remote_frees_made_bytes', 'LIMIT': 'limit_bytes'}


def cells_of_top(text):
    lines = [line.split('\t') for line in text.splitlines()]
    head = ' '.join(line[1] for line in lines if line[0] == 'headline')
    found = re.search(r'live ([0-9]+) B in ([0-9]+) blocks, ([0-9]+) threads, ([0-9]+) orphan.*; ([0-9]+)% freed by others', head)
    cells = cells_of_calls(head)
    if found:
        *counts, share = found.groups()
        cells.update(cells_of('process', '', 'live_bytes live_blocks live_threads orphans share'.split(),
                              [*map(int, counts), share]))
    for screen, kind in ('threads', 'thread'), ('tags', 'tag'):
        heading, *rows = [line[1:] for line in lines if line[0] == screen]
        for name, *values in rows:
            group = values[-1]
            row = {columns_of_top[title]: number(cell) for title, cell in zip(heading[1:], values) if title in columns_of_top}
            its, key = ('exited', '') if name == '(exited)' else (kind, name)
            row['share'] = str(row['share']).rstrip('%')
            if its == 'exited' and row['peak_bytes'] == '-': # a sum's, of which it shows none
                del row['peak_bytes']
            if kind == 'tag':
                row['limit_bytes'] = row['limit_bytes'] if row['limit_bytes'] != '-' else None
            else:
                row['tid'] = str(row['tid'])
            if its != 'exited': # groups are states
                row['state'] = ('orphan' if 'orphan' in group else 'ended' if 'has ended' in group else
                                name.removeprefix('(shared) ') if group == "no one thread's" else 'open' if kind == 'tag' else 'live')
            cells.update({(its, key, column): cell for column, cell in row.items()})
    heading, *rows = [line[1:] for line in lines if line[0] == 'matrix']
    for name, *values in rows:
        for title, value in zip(heading[3:], values[2:]):
            if number(value) != 0:
                cells[('slot', f'{name} | {title}', 'live_bytes')] = number(value)
    return cells


def cells_of_metrics(text):
    cells = {}
    for metric, labels, value in re.findall(r'(?m)^threadmeter_([a-z_]+){([^\n]*)} ([0-9.]+)$', text):
        labels = {name: re.sub(r'\\(.)', r'\1', label) for name, label in re.findall(r'([a-z]+)="((?:[^"\\]|\\.)*)"', labels)}
        if labels.get('program') != 'made_process':
            continue
        column = metric.removesuffix('_total')
        if 'thread' in labels and 'tag' in labels and column in totals:
            cells[('series', f'{labels["thread"]} | {labels["tag"]}', column)] = int(value)
        elif column == 'tag_limit_bytes':
            cells[('tag', labels['tag'], 'limit_bytes')] = int(value)
        elif column in calls:
            cells[('calls', '', column)] = int(value)
        elif column.removeprefix('process_') in totals:
            cells[('process', '', column.removeprefix('process_'))] = int(value)
    return cells


def cells_of_list(text):
    heading, *lines = text.splitlines()
    fields = lines[0].split(maxsplit=6)
    return cells_of('process', '', ('live_threads', 'live_bytes'), (int(fields[3]), number(' '.join(fields[4:6]))))


# ---- one process ----

with tempfile.TemporaryDirectory(dir='/dev/shm') as name: # a tmpfs, where a lock tells who lives
    directory = pathlib.Path(name)
    published, recording, page = directory / 'published', directory / 'recording', directory / 'page.html'
    published.mkdir(mode=0o700)
    program = subprocess.Popen([made_process], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env={**os.environ, 'THREADMETER_PUBLISH': str(published), 'THREADMETER_FLOW': '1'})
    program.stdin.write(''.join('\t'.join(map(str, [thread, tag, *figures, *peaks])) + '\n'
                                for thread, tag, figures, *peaks in made).encode() + b'\n')
    program.stdin.flush()
    ids, report = re.fullmatch(r'((?:[0-9]+\n){4})(.*)', program.stdout.read().decode(), re.S).groups()
    wanted = oracle(dict(zip(('main', 'worker', 'lost', 'brief'), ids.split())))
    file = next(published.glob('*.tm'))
    outputs = {
        'tm_report': cells_of_text(report),
        'dump': cells_of_text(run('dump', file)),
        'top --once': cells_of_text(run('top', '--once', file)),
        'dump --json': cells_of_json(json.loads(run('dump', '--json', file))),
        'top --once --json': cells_of_json(json.loads(run('top', '--once', '--json', file))),
        'screens of top': cells_of_top(subprocess.run([top_cells, file], check=True, capture_output=True, text=True).stdout),
        'export': cells_of_metrics(run('export', '--once', file)),
        'list': cells_of_list(run('list', published)),
    }
    run('record', '--quiet', '--every', '10ms', '--for', '30ms', '-o', recording, program.pid)
    outputs['report'] = cells_of_text(run('report', recording))
    outputs['report --json'] = cells_of_recorded(json.loads(run('report', '--json', recording)))
    if has_page == 'yes':
        run('report', '--html', page, recording)
        data = data_in(page.read_text())
        outputs['data of the page'] = cells_of_recorded(data)
        outputs['legend of the page'] = cells_of_legend(data)
        if browser:
            outputs['page'] = cells_of_page(render(page)[0])
    program.stdin.close()
    if program.wait() != 0:
        failures += 1
        print('FAIL the process:', program.returncode)
    program.stdout.close()

for output, cells in outputs.items():
    compare(output, cells, wanted)
    print(f'{output}: {len(cells)} cells')
print('outputs: failed' if failures else 'outputs: all say the same')
sys.exit(1 if failures else 0)
