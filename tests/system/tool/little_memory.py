#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""usage: little_memory.py THREADMETER MAKE_PUBLISHED [MAKE_LONG_RECORDING]

However little memory a command gets, it either prints all that it prints with enough memory, and ends with 0, or it
says on stderr that there is not enough, and ends with 1. It needs only a few times the memory of its input. Its JSON is
the same as what Python writes after reading it."""
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

import alone
from expecting import expect, finish

tool, make_published = sys.argv[1:3]
ROWS, TAGS, ROW = 4000, 1000, 512  # bytes of a row in a file
STEP = 1 << 18

COMMANDS = [
    'dump FILE', 'dump --json FILE', 'top --once FILE', 'top --once --json FILE', 'list DIRECTORY', 'export --once FILE',
    'export --once --dir DIRECTORY',
]
if alone.is_alone():
    COMMANDS += ['top --once', 'top --once --json', 'list', 'export --once']
if len(sys.argv) > 3:
    COMMANDS += ['record --quiet --force --for 1ms --output OUTPUT FILE', 'report RECORDING', 'report --all RECORDING',
                 'report --json RECORDING']


def run(command, limit, environment):
    """The exit code, the output without the time of the reading, and what was on stderr."""
    output = environment['XDG_RUNTIME_DIR'] + f'/output-{limit}'
    arguments = [output if word == 'OUTPUT' else environment.get(word, word) for word in command.split()]
    os.path.exists(output) and os.unlink(output)
    run = subprocess.run([tool, *arguments], capture_output=True, env=environment,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    out = re.sub(rb'"time_ns": \d+|^threadmeter_scrape_seconds.*', b'', run.stdout, flags=re.M)
    return run.returncode, out, run.stderr.decode(errors='replace')


def least(command, environment):
    """With less memory than this the program does not start: the dynamic linker ends with 127, or by a signal."""
    low, high = 0, 1 << 30
    while high - low > STEP:
        middle = (low + high) // 2
        if run('--help', middle, environment)[0] == 0:
            high = middle
        else:
            low = middle
    return high


def check(command, start, environment):
    code, whole, said = run(command, resource.RLIM_INFINITY, environment)
    expect(f'{command}, with enough', (code, said), (0, ''))
    if code != 0:
        return command, 0
    if '--json' in command:
        again = json.dumps(json.loads(run_plainly(command, environment)), indent=2, ensure_ascii=False) + '\n'
        expect(f'{command}, as Python writes it', re.sub(r'"time_ns": \d+', '', again), whole.decode())
    enough = None
    for limit in range(start, start + (64 << 20), STEP):
        code, out, said = run(command, limit, environment)
        if code == 0:
            expect(f'{command}, {limit >> 10} KiB: all is there', (out == whole, said), (True, ''))
            enough = enough or limit
        else:
            expect(f'{command}, {limit >> 10} KiB: ends with', code, 1)
            expect(f'{command}, {limit >> 10} KiB: says why', 'memory' in said, True)
        if enough and limit > enough + (2 << 20):
            break
    return command, (enough or 1 << 30) - start


def run_plainly(command, environment):
    arguments = [environment.get(word, word) for word in command.split()]
    return subprocess.run([tool, *arguments], check=True, capture_output=True, env=environment).stdout


def main():
    with tempfile.TemporaryDirectory() as directory:
        published = pathlib.Path(directory, 'published')
        published.mkdir(mode=0o700)
        for name, rows, tags in ('large', ROWS, TAGS), ('small', 3, 2):
            subprocess.run([make_published, str(rows), str(tags), published / f'{name}.tm'], check=True)
        environment = {**os.environ, 'LC_ALL': 'C.UTF-8', 'XDG_RUNTIME_DIR': directory, 'DIRECTORY': str(published),
                       'THREADMETER_PUBLISH': str(published), 'FILE': str(published / 'large.tm'),
                       'RECORDING': directory + '/recording'}
        if len(sys.argv) > 3:
            subprocess.run([sys.argv[3], str(ROWS), str(TAGS), '1', '3', environment['RECORDING']], check=True)
        start = least('--help', environment)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for command, took in pool.map(lambda command: check(command, start, environment), COMMANDS):
                times = took / (ROWS * ROW)
                print(f'{command:50}{took >> 10:8} KiB, {times:4.1f} times the table')
                expect(f'{command}: takes a few times the table', times < 8, True)
    finish()


main()
