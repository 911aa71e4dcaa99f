#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""usage: tables.py THREADMETER TABLED

tm_report(), dump, top and report show one program with the same rows, columns and words, in text and JSON. In each
column the rows add up to the total, to the byte."""
import difflib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from expecting import expect, finish

tool, tabled = sys.argv[1:3]
counters = ['live_bytes', 'live_blocks', 'allocated_bytes', 'allocated_blocks', 'freed_bytes', 'freed_blocks',
            'remote_frees_received_bytes', 'remote_frees_received_blocks', 'remote_frees_made_bytes']


def run(*arguments):
    return subprocess.run([tool, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def figures(line):
    """A row's numbers, after its label of 35 characters. A number that is not exact to the byte is an error."""
    cells = re.sub(r'<= ', '', line[35:])
    found = re.fullmatch(r'(?: +[0-9]+(?: B(?:/s)?)?)+', cells)
    expect('to the byte', bool(found), True)
    return [int(number) for number in re.findall(r'[0-9]+', cells)]


def table_of(text, heading='THREAD '):
    """The lines from the heading to the total."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(heading))
    last = next(i for i, line in enumerate(lines) if line.startswith('total '))
    return lines[first + 1:last + 1]


def check_sums(what, text, columns):
    rows = [figures(line) for line in table_of(text)]
    expect(what + ', sums', [sum(row[i] for row in rows[:-1]) for i in columns], [rows[-1][i] for i in columns])


def check_json(what, reading):
    for rows in 'threads', 'slots':
        found = {each: sum(row[each] for row in reading[rows]) + reading['retired'][each] for each in counters}
        expect(f'{what}, JSON {rows}', found, {each: reading['process'][each] for each in counters})


def check(directory, *arguments):
    what = ' '.join(['tabled', *arguments])
    published = directory / f'published{len(arguments)}'
    published.mkdir(mode=0o700)
    program = subprocess.Popen([tabled, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, 'THREADMETER_PUBLISH': str(published), 'THREADMETER_FLOW': '1',
                                    'THREADMETER_ON_ERROR': 'report'})
    report = program.stdout.read().decode()
    pid = int(re.match(r'threadmeter: tabled, pid ([0-9]+)\n', report).group(1))

    dump = run('dump', pid)
    # The last line, which tm_report has not: what the kernel counts, and in it what is live.
    dump, last = dump[:dump.rindex('\n', 0, -1) + 1], dump.splitlines()[-1]
    live, blocks = re.search(r'(?m)^total +(\S+ \S+) +([0-9]+) ', dump).groups()
    expect(f'{what}, resident', bool(re.fullmatch(
        rf'resident \S+ \S+, of that \S+ \S+ anonymous = {re.escape(live)} live \+ (\S+ \S+) headers \+ .*', last)), True)
    headers = 16 * int(blocks)
    expect(f'{what}, headers', re.search(r'\+ (\S+ \S+) headers', last).group(1),
           f'{headers} B' if headers < 1000 else re.search(r'\+ (\S+ \S+) headers', last).group(1))
    expect(what + ', dump as tm_report', list(difflib.unified_diff(report.splitlines(), dump.splitlines(), n=0)), [])
    for words in ('(shared)                -  late ', '(exited)', '\ntag 5 ', '       600 B\n', '\nlimited ',
                  '       500 B\n', '\n(others)  ', '1 foreign frees', ', 1 errors reported\n'):
        expect(f'{what}, {words!r}', words in report, True)
    expect(what + ', untouched', 'untouched' in report, False)
    check_sums(what, report, [0, 1, 3, 4, 5])
    check_sums(what + ', some', run('top', '--once', '--filter', 'work', pid), [0, 1, 3, 4, 5])
    reading = json.loads(run('dump', '--json', pid))
    check_json(what, reading)
    expect(what + ', late', [row['name'] for row in reading['threads'] if row['state'] == 'late'], ['(shared)'])
    expect(what + ', misuses', reading['cross_allocator_calls']['errors_reported'], 1)

    metrics = run('export', '--once', pid)
    for metric, figure in [('live_bytes', 'live_bytes'), ('allocated_bytes_total', 'allocated_bytes'),
                           ('remote_frees_received_bytes_total', 'remote_frees_received_bytes'),
                           ('remote_frees_made_bytes_total', 'remote_frees_made_bytes')]:
        expect(f'{what}, {metric}', sum(map(int, re.findall(rf'(?m)^threadmeter_{metric}{{.*}} ([0-9]+)$', metrics))),
               reading['process'][figure])
    for metric in 'errors_reported', 'foreign_frees':
        expect(f'{what}, {metric}', re.findall(rf'(?m)^threadmeter_{metric}_total{{program="tabled"}} ([0-9]+)$', metrics),
               ['1'])

    recording = directory / f'recording{len(arguments)}'
    run('record', '--quiet', '--every', '10ms', '--for', '30ms', '-o', recording, pid)
    text = run('report', recording)
    check_sums(what + ', report', text, [1, 2, 3, 5, 6])
    for words in ('(shared)                -  late ', '\ntag 5 ', '       600 B\n', '\nlimited ', '       500 B\n', '\n(others: --all)',
                  dump.splitlines()[-1]):
        expect(f'{what}, report, {words!r}', words in text, True)
    recorded = json.loads(run('report', '--json', recording))
    expect(what + ', limits', {tag['name']: tag['limit_bytes'] for tag in recorded['tags'] if tag['limit_bytes'] is not None},
           {'tag 5': 600, 'limited': 500})
    expect(what + ', JSON of report', {each: sum(row[each] for row in recorded['threads']) + recorded['unseen'][each]
                                       for each in counters}, {each: recorded['process'][each] for each in counters})

    program.stdin.close()
    expect(what + ', end', program.wait(), 0)
    program.stdout.close()
    program.stderr.close()


with tempfile.TemporaryDirectory(dir='/dev/shm') as name:  # a tmpfs, where locks tell who lives
    check(pathlib.Path(name))
    check(pathlib.Path(name), 'fork')

finish()
