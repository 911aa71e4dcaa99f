#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""usage: record.py THREADMETER HELPER_GROWS PRELOAD

Records a program that does not use threadmeter itself: until it ends, until the recorder ends, and by its pid. Errors
are reported."""
import contextlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile

from expecting import expect, finish, wait_for

tool, helper, preload = sys.argv[1:4]


def report(path):
    """The report; None as long as the file has nothing to report."""
    result = subprocess.run([tool, 'report', '--json', path], capture_output=True, text=True)
    return json.loads(result.stdout) if result.returncode == 0 else None


def grower_of(recording):
    return next((t for t in recording['threads'] if t['name'] == 'grower'), None)


def check_grower(what, recording):
    grower = grower_of(recording)
    found = grower and [grower[k] for k in ('peak_bytes', 'live_bytes', 'remote_frees_received_bytes')]
    expect(what, found, [1000000, 500000, 500000])


@contextlib.contextmanager
def started(arguments, environment=None):
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, **(environment or {})})
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in process.stdin, process.stdout, process.stderr:
            stream.close()


def record(path, *arguments):
    return [tool, 'record', '-o', str(path), '--every', '10ms', *arguments]


with tempfile.TemporaryDirectory() as name:
    directory = pathlib.Path(name)
    published = directory / 'published'
    os.environ['THREADMETER_PUBLISH'] = str(published)
    os.environ['THREADMETER_PRELOAD'] = preload

    # Until the program ends: the recorder has the same exit code, and the file can be read in the meantime.
    path = directory / 'ended'
    with started(record(path, '--', helper)) as recorder:
        expect('output', recorder.stdout.readline(), 'ready\n')
        wait_for('readings', lambda: (r := report(path)) and r['readings'] > 3 and grower_of(r))
        expect('while it goes on', report(path)['end'], 'cut')
        recorder.stdin.close()
        expect('exit code', recorder.wait(), 7)
    ended = report(path)
    expect('end', [ended['end'], ended['lost_bytes'], ended['program']], ['ended', 0, 'helper_grows'])
    check_grower('grower', ended)
    expect('resident size', ended['resident_peak_bytes'] > 500000, True)
    listed = subprocess.run([tool, 'list', published], capture_output=True, text=True).stdout
    expect('it did not crash', [listed, list(published.iterdir())], ['nothing is published here\n', []])
    text = subprocess.run([tool, 'report', path], capture_output=True, text=True).stdout
    expect('text', [word in text for word in ('helper_grows', 'grower', '977 KiB', '488 KiB', 'until the process ended')], [True] * 5)

    # A file that exists is not replaced without --force.
    before = path.read_bytes()
    refused = subprocess.run(record(path, '--', 'true'), capture_output=True, text=True)
    expect('a file that is there', [refused.returncode, '--force' in refused.stderr, path.read_bytes() == before], [1, True, True])

    # The recorder is killed: the recording so far is whole. The program that it started ends with its input.
    path = directory / 'killed'
    with started(record(path, '--', 'sh', '-c', 'exec "$0"', helper)) as recorder:
        recorder.stdout.readline()
        wait_for('readings', lambda: (r := report(path)) and r['readings'] > 3 and r['program'] == 'helper_grows' and grower_of(r))
        recorder.kill()
        recorder.wait()
    killed = report(path)
    expect('killed', [killed['end'], killed['program']], ['cut', 'helper_grows'])
    check_grower('grower, killed', killed)

    # The program is killed: the exit code shows the signal.
    path = directory / 'crashed'
    with started(record(path, '--', helper)) as recorder:
        recorder.stdout.readline()
        wait_for('readings', lambda: (r := report(path)) and grower_of(r))
        os.kill(report(path)['pid'], signal.SIGKILL)
        expect('exit code, killed', recorder.wait(), 128 + signal.SIGKILL)
    check_grower('grower, crashed', report(path))
    expect('crashed', report(path)['end'], 'ended')

    # By its pid: for the time of --for; until a signal comes; to a full disk.
    with started([helper], {'LD_PRELOAD': preload}) as program:
        program.stdout.readline()
        pid = str(program.pid)
        path = directory / 'over'
        expect('for a time', subprocess.run(record(path, '--quiet', '--for', '50ms', pid)).returncode, 0)
        expect('time over', [report(path)['end'], report(path)['pid']], ['time over', program.pid])
        check_grower('grower, by pid', report(path))
        path = directory / 'stopped'
        with started(record(path, pid)) as recorder:
            wait_for('readings', lambda: (r := report(path)) and r['readings'] > 2)
            recorder.send_signal(signal.SIGINT)
            expect('stopped', [recorder.wait(), report(path)['end']], [0, 'stopped'])
        full = subprocess.run(record('/dev/full', '--force', pid), capture_output=True, text=True)
        expect('full', [full.returncode, 'No space left on device' in full.stderr], [1, True])
        path = directory / 'limited' # the size of a file, which is told as a disk's is
        full = subprocess.run(record(path, '--every', '1ms', pid), capture_output=True, text=True,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)))
        expect('a limit', [full.returncode, f'cannot write {path}: File too large' in full.stderr], [1, True])
        expect('ends so', [report(path)['end'], report(path)['lost_bytes'], report(path)['readings'] > 10], ['write failed', 0, True])
        text = subprocess.run([tool, 'report', path], capture_output=True, text=True).stdout
        expect('and says so', 'until what was read could not be written any more' in text, True)
        mounted = directory / 'mounted'
        mounted.mkdir()
        script = 'mount -t tmpfs -o size=16k tmpfs "$1" || exit 77; "$0" record --every 1ms -o "$1/full" "$2"; echo $?; "$0" report "$1/full"'
        full = subprocess.run(['unshare', '-m', 'sh', '-c', script, tool, mounted, pid], capture_output=True, text=True)
        if full.returncode == 0:
            expect('a full disk', [full.stdout.splitlines()[0], f'cannot write {mounted}/full: No space left on device' in full.stderr,
                                   'until what was read could not be written any more' in full.stdout], ['1', True, True])
        path = directory / 'followed'
        with started(record(path, pid)) as recorder:
            wait_for('readings', lambda: (r := report(path)) and r['readings'] > 2)
            program.stdin.close()
            expect('program', program.wait(), 7)
            expect('followed', [recorder.wait(), report(path)['end']], [0, 'ended'])
            check_grower('grower, followed', report(path))

    gone = subprocess.run(record(directory / 'gone', pid), capture_output=True, text=True)
    expect('gone', [gone.returncode, pid in gone.stderr, (directory / 'gone').exists()], [1, True, False])
    nowhere = subprocess.run(record('/nowhere/x', '--', 'true'), capture_output=True, text=True)
    expect('nowhere', [nowhere.returncode, '/nowhere/x' in nowhere.stderr], [1, True])
    absent = subprocess.run(record(directory / 'x', '--', './no-such-program'), capture_output=True, text=True)
    expect('no program', [absent.returncode, (directory / 'x').exists()], [127, False])
    for wrong in ['--every', '0'], ['--every', '10us'], ['--for', 'ever'], ['1', '2']:
        expect(f'usage {wrong}', subprocess.run([tool, 'record', *wrong], capture_output=True).returncode, 2)
    none = subprocess.run([tool, 'report', tool], capture_output=True, text=True)
    expect('no recording', [none.returncode, 'no recording' in none.stderr], [1, True])

finish()
