#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""usage: day.py THREADMETER MAKE_DAY MEMORY_OF

The report of a recording of 24 hours is right to the byte and to the second, although the clock was set several times.
It takes no more memory than the report of a short recording, and its charts have no more points than they have room
for."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from expecting import expect, finish

tool, make_day, memory_of = sys.argv[1:4]
SECONDS, PEAK_AT = 86400, 50001  # as in make_day.c


def live(second):
    return [1000000 + (7777777 if second == PEAK_AT else second % 1000), 1000 * (1 + second % 3600)]


def memory(recording):
    return int(subprocess.run([memory_of, tool, 'report', recording], check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout)


with tempfile.TemporaryDirectory() as name:
    recording, page = pathlib.Path(name, 'day'), pathlib.Path(name, 'page')
    subprocess.run([make_day, str(SECONDS), recording], check=True)
    expect('a few bytes a second', recording.stat().st_size < 100 * SECONDS, True)
    text = subprocess.run([tool, 'report', recording], check=True, capture_output=True, text=True).stdout
    report = json.loads(subprocess.run([tool, 'report', '--json', recording], check=True, capture_output=True).stdout)
    html = subprocess.run([tool, 'report', '--html', page, recording], capture_output=True, text=True)

    last = SECONDS - 1
    peak = max(range(SECONDS), key=lambda second: sum(live(second)))
    expect('the day', [report['readings'], report['duration_ns'], report['end'], report['lost_bytes']],
           [SECONDS, last * 10**9, 'stopped', 0])
    expect('peak', [report['peak']['elapsed_ns'], report['peak']['live_bytes']], [peak * 10**9, sum(live(peak))])
    expect('at the end', report['process']['live_bytes'], sum(live(last)))
    expect('rate', report['allocated_bytes_per_second'], round((10000 * last + 24 * 3600000 - 1000) / last))
    threads = {thread['name']: thread for thread in report['threads']}
    expect('threads', sorted(threads), sorted(['all day', *(f'hour {hour}' for hour in range(24))]))
    for hour in range(24):
        thread = threads[f'hour {hour}']
        expect(f'hour {hour}', [thread['state'], thread['allocated_bytes'], thread['first_ns'], thread['last_ns']],
               ['live' if hour == 23 else 'gone', 3600000, max(0, hour * 3600 - 1) * 10**9, (hour * 3600 + 3599) * 10**9])
    expect('at peak', [threads['all day']['at_peak_bytes'], threads[f'hour {peak // 3600}']['at_peak_bytes']], live(peak))
    expect('text', [f'{SECONDS} readings over {last}.0 s' in text, f'at {peak}.0 s' in text], [True, True])

    if html.returncode == 0:
        data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.S).group(1))
        seconds = [ns // 10**9 for ns in data['series']['elapsed_ns']]
        expect('points', [len(seconds) <= 2002, len(seconds) > 1000, seconds == sorted(set(seconds))], [True, True, True])
        expect('the first, the peak, the last', [seconds[0], peak in seconds, seconds[-1]], [0, True, last])
        sums = [sum(live) for live in zip(*(one['live'] for one in data['series']['threads']))]
        expect('each point', sums, [sum(live(second)) for second in seconds])
        expect('size of the page', page.stat().st_size < 500000, True)
    else:
        expect('no page', 'built without the page' in html.stderr, True)

    # A list of all readings would take 16 bytes for each, together 1.3 MiB.
    short = pathlib.Path(name, 'short')
    subprocess.run([make_day, '4000', short], check=True)
    expect('memory', memory(recording) - memory(short) < 1 << 20, True)

finish()
