#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""usage: linear.py THREADMETER MAKE_PUBLISHED MAKE_LONG_RECORDING

No command takes more instructions for each row when there are more rows. No time is measured: valgrind counts the
instructions of each command at two sizes, of which the second is four times the first. Then linear work takes at most
four times as many, and sorting less than five times; but a search for each row among all rows takes sixteen times as
many. Instructions of the kernel are not counted, and large copies and comparisons count little. A new case is one more
line of CASES."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import alone

tool, make_published, make_long_recording = sys.argv[1:4]
TIMES = 4
MOST = 5  # times as many instructions

# The arguments of a command at the first size, and which of their numbers grow.
PROCESS = 'published', (3000, True), (1000, True)  # threads, tags
PROCESSES = 'directory', (250, True)  # files
MANY_READINGS = 'recording', (20, False), (10, False), (10, False), (500, True)  # threads, tags, new ones in each reading, readings
MANY_THREADS = 'recording', (3000, True), (1000, True), (10, False), (2, False)
FAR_THREADS = 'far-recording', (3000, True), (10, False), (10, False), (2, False)

# INPUT is the path of the command's input, DIRECTORY the folder with it; the command may write to OUTPUT.
CASES = [
    ('dump', PROCESS, 'dump INPUT'),
    ('dump --json', PROCESS, 'dump --json INPUT'),
    ('top --once', PROCESS, 'top --once INPUT'),
    ('top --once --json', PROCESS, 'top --once --json INPUT'),
    ('list', PROCESS, 'list DIRECTORY'),
    ('list, of many', PROCESSES, 'list INPUT'),
    ('export', PROCESS, 'export --once INPUT'),
    ('export, of many', PROCESSES, 'export --once --dir INPUT'),
    ('record', PROCESS, 'record --quiet --force --for 1ms --output OUTPUT INPUT'),
    ('report --json, long', MANY_READINGS, 'report --json INPUT'),
    ('report', MANY_THREADS, 'report INPUT'),
    ('report --all', MANY_THREADS, 'report --all INPUT'),
    ('report --json', MANY_THREADS, 'report --json INPUT'),
    ('report, numbers far apart', FAR_THREADS, 'report INPUT'),
    ('report --html', MANY_THREADS, 'report --html OUTPUT INPUT'),
]


def is_there(command):
    """Whether the tool has this command: it may have been built without the page."""
    return '--html' not in command or b'without' not in subprocess.run([tool, *command.split()], capture_output=True).stderr


def make(given, times, directory):
    """Makes the input that `given` describes, so many times as large."""
    kind, *numbers = given
    numbers = [number * times if grows else number for number, grows in numbers]
    path = pathlib.Path(directory, '-'.join([kind, *map(str, numbers)]))
    if path.exists():
        return path / '1.tm' if kind == 'published' else path
    if kind.endswith('recording'):
        subprocess.run([make_long_recording, *map(str, numbers), path, *(['far'] if kind.startswith('far') else [])], check=True)
        return path
    path.mkdir(mode=0o700)
    if kind == 'published':
        subprocess.run([make_published, *map(str, numbers), path / '1.tm'], check=True)
        return path / '1.tm'
    for i in range(numbers[0]):
        subprocess.run([make_published, '2', '1', path / f'{i}.tm'], check=True)
    return path


def instructions(command, given, directory):
    output = os.path.join(directory, 'output-' + re.sub(r'\W+', '-', f'{command} {given}')[-200:])
    words = {'INPUT': str(given), 'DIRECTORY': str(given.parent), 'OUTPUT': output}
    run = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', tool,
                          *(words.get(word, word) for word in command.split())],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors='replace')
    found = re.search(r'Collected : (\d+)', run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(f'{command}: ends with {run.returncode}:\n{run.stderr}')
    return int(found[1])


def main():
    failures = 0
    CASES[:] = [case for case in CASES if is_there(case[2])]
    alone.is_alone()  # list asks all processes whose file one is; where they cannot be left out, there are about as many each time
    with tempfile.TemporaryDirectory() as directory:
        os.environ['XDG_RUNTIME_DIR'] = directory
        os.environ.pop('THREADMETER_PUBLISH', None)
        pairs = [[make(given, times, directory) for times in (1, TIMES)] for _, given, _ in CASES]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            counts = list(pool.map(lambda job: instructions(*job, directory),
                                   [(command, path) for (_, _, command), pair in zip(CASES, pairs) for path in pair]))
    for (name, _, _), few, many in zip(CASES, counts[::2], counts[1::2]):
        fails = many > MOST * few
        failures += fails
        print(f'{"FAIL" if fails else "ok":5}{name:30}{few:14,}{many:16,}  {many / few:5.2f} times')
    sys.exit(failures > 0)


main()
