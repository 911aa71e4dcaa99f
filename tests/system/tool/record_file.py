#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""record_file.py THREADMETER PRELOAD: which files `threadmeter record` makes, replaces and removes, and which it
leaves."""
import json
import os
import pathlib
import signal
import stat
import struct
import subprocess
import sys
import tempfile

from expecting import expect, finish, wait_for

tool, preload = map(os.path.realpath, sys.argv[1:3])


def run(*arguments, **more):
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, **more)


def is_recording(path):
    """How the recording ends; None if the file is no recording."""
    result = run('report', '--json', path)
    return json.loads(result.stdout)['end'] if result.returncode == 0 else None


# A program that ends when there is a reading, which it knows by the file's size.
UNTIL_SEEN = 'until [ -s "$0" ]; do sleep 0.02; done'
# The number that is next in a pid namespace of its own is 2, as in a container: there, sh is 1, and record is exec'ed
# by it.
IN_CONTAINER = ['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c']

with tempfile.TemporaryDirectory(dir='/dev/shm') as name:  # a tmpfs, where locks tell who lives
    directory = pathlib.Path(name)
    os.chdir(directory)
    (directory / 'published').mkdir(0o700)
    os.environ['THREADMETER_PUBLISH'] = str(directory / 'published')
    os.environ['THREADMETER_PRELOAD'] = preload
    unmetered = {**os.environ, 'THREADMETER_PRELOAD': next(
        line.split()[2] for line in subprocess.check_output(['ldd', tool], text=True).splitlines() if 'libc.so' in line)}

    # A program that does not publish cannot be recorded: no file is made, and none is replaced.
    old = directory / 'old'
    none = run('record', '-o', 'new', '--', 'true', env=unmetered)
    expect('nothing to record', ['ended before' in none.stderr, os.path.exists('new')], [True, False])
    for content in b'', b'an old recording':
        old.write_bytes(content)
        run('record', '--force', '-o', old, '--', 'true', env=unmetered)
        expect('nothing to replace it', old.read_bytes() if old.exists() else None, content)
    # By the end, another process's file has the name.
    run('record', '-o', 'new', '--', 'sh', '-c', 'rm new; echo mine >new', env=unmetered)
    expect('not what we made', pathlib.Path('new').read_text() if os.path.exists('new') else None, 'mine\n')
    run('record', '-o', 'new2', '--', 'sh', '-c', 'rm new2; ln -s new new2', env=unmetered)
    expect('nor a link', os.path.islink('new2'), True)

    # --force: the new file replaces the old one, to the last byte.
    old.write_bytes(b'x' * 1000000)
    expect('without --force', [run('record', '-o', old, '--', 'touch', 'started').returncode, os.path.exists('started')], [1, False])
    expect('old is as it was', old.read_bytes(), b'x' * 1000000)
    # The size is 1000000 until the first reading, and then less.
    smaller = 'while [ "$(wc -c <"$0")" -eq 1000000 ]; do sleep 0.02; done'
    expect('--force', run('record', '--force', '-o', old, '--', 'sh', '-c', smaller, old).returncode, 0)
    expect('replaced', is_recording(old), 'ended')

    # With --force a link is followed. But no file is ever created through a link, and no link is removed or replaced.
    os.symlink('old', 'link')
    expect('a link', run('record', '-o', 'link', '--', 'true').returncode, 1)
    old.write_bytes(b'x' * 1000000)
    expect('a link, --force', run('record', '--force', '-o', 'link', '--', 'sh', '-c', smaller, 'link').returncode, 0)
    expect('what it leads to', [is_recording(old), os.readlink('link')], ['ended', 'old'])
    os.symlink('nothing', 'dangling')
    for options in [], ['--force']:
        expect('a link to nothing', run('record', *options, '-o', 'dangling', '--', 'true').returncode, 1)
        expect('is one still', [os.path.islink('dangling'), os.path.exists('nothing')], [True, False])
    expect('a directory', run('record', '--force', '-o', directory, '--', 'true').returncode, 1)
    if os.geteuid() == 0:
        os.mknod('disk', stat.S_IFBLK | 0o600, os.makedev(7, 255))
        expect('a block device', run('record', '--force', '-o', 'disk', '--', 'touch', 'started').returncode, 1)
        expect('is left alone', [stat.S_ISBLK(os.lstat('disk').st_mode), os.path.exists('started')], [True, False])
        os.mknod('null', stat.S_IFCHR | 0o600, os.makedev(1, 3))
        run('record', '--force', '-o', 'null', '--', 'true')
        run('record', '--force', '-o', 'null', '--', 'true', env=unmetered)
        expect('a device is one still', stat.S_ISCHR(os.lstat('null').st_mode), True)
    # A pipe gets the same bytes as a file.
    os.mkfifo('pipe')
    with open('piped', 'wb') as piped, subprocess.Popen(['cat', 'pipe'], stdout=piped) as cat:
        expect('to a pipe', run('record', '--force', '-o', 'pipe', '--', 'sh', '-c', UNTIL_SEEN, 'piped').returncode, 0)
        cat.wait()
    expect('through a pipe', [is_recording('piped'), stat.S_ISFIFO(os.lstat('pipe').st_mode)], ['ended', True])
    # The reader of the pipe ends: the recorder reports that, and the program goes on.
    with subprocess.Popen([tool, 'record', '--force', '-o', 'pipe', '--every', '1ms', '--', 'sh', '-c', 'read x; exit 7'],
                          stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as recorder:
        with open('pipe', 'rb') as reader:
            expect('first bytes', reader.read(4), b'\x89TMR')
        expect('the end of a pipe', recorder.stderr.readline(), 'threadmeter record: cannot write pipe: Broken pipe\n')
        recorder.stdin.write('\n')
        recorder.stdin.close()
        expect('exit code', recorder.wait(), 7)

    # Two recorders write to one file.
    with subprocess.Popen([tool, 'record', '-o', 'one', '--', 'sh', '-c', 'echo; read x'], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as recorder:
        recorder.stdout.readline()
        wait_for('a reading', lambda: os.path.getsize('one') > 0)
        other = run('record', '--force', '-o', 'one', '--', 'touch', 'started')
        expect('a file that is being recorded to', [other.returncode, 'being recorded to' in other.stderr, os.path.exists('started')], [1, True, False])
        recorder.stdin.close()
        recorder.wait()
    expect('is whole', is_recording('one'), 'ended')

    # By default the file is named after the process, with the next free number. The program is not ended.
    (directory / 'here').mkdir()
    os.chdir('here')
    first = run('record', '--quiet', '--', 'sh', '-c', 'until [ -s threadmeter-$$.tmrec ]; do sleep 0.02; done')
    expect('named', [first.returncode, len(os.listdir())], [0, 1])
    expect('a recording', is_recording(os.listdir()[0]), 'ended')
    contained = subprocess.run(IN_CONTAINER + ['true'], capture_output=True)
    if contained.returncode == 0:
        for wanted in 'threadmeter-2.tmrec', 'threadmeter-2-2.tmrec', 'threadmeter-2-3.tmrec':
            program = f'until [ -s {wanted} ]; do sleep 0.02; done; exit 7'
            again = subprocess.run(IN_CONTAINER + ['exec "$0" record -- sh -c "$1"', tool, program], capture_output=True, text=True)
            expect(wanted, [again.returncode, wanted in again.stderr, is_recording(wanted)], [7, True, 'ended'])
    # If the file cannot be made, the program is not started.
    os.chdir('/proc')
    refused = run('record', '--', 'touch', directory / 'started')
    expect('no file can be made', [refused.returncode, 'cannot write' in refused.stderr, (directory / 'started').exists()],
           [1, True, False])
    os.chdir('/')

    # A SIGHUP that is ignored, as under nohup, does not end a recording.
    with subprocess.Popen(['sh', '-c', 'trap "" HUP; exec "$@"', 'sh', tool, 'record', '-o', directory / 'nohup', '--', 'sh', '-c', 'echo $$; read x'],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as recorder:
        pid = recorder.stdout.readline().strip()
        by_pid = directory / 'by_pid'
        with subprocess.Popen(['sh', '-c', 'trap "" HUP; exec "$@"', 'sh', tool, 'record', '-o', by_pid, '--every', '1ms', pid],
                              stderr=subprocess.DEVNULL) as other:
            wait_for('a reading', lambda: by_pid.exists() and by_pid.stat().st_size > 0)
            other.send_signal(signal.SIGHUP)
            size = by_pid.stat().st_size
            wait_for('more readings', lambda: by_pid.stat().st_size > size + 1000 or other.poll() is not None)
            recorder.stdin.close()
            other.wait()
        recorder.wait()
    expect('after a hangup that is ignored', is_recording(by_pid), 'ended')

    # Values that a recording cannot hold are refused at once. The offsets are those of docs/formats/published-file.md.
    with subprocess.Popen(['sh', '-c', 'echo; read x'], env={**os.environ, 'LD_PRELOAD': preload}, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as program:
        program.stdout.readline()
        published = next(directory.glob(f'published/{program.pid}-*.tm'))
        program.kill()
        program.wait()
    sound = published.read_bytes()
    path = directory / 'of_a_file'
    expect('of a file', [run('record', '-o', path, published).returncode, is_recording(path)], [0, 'ended'])
    path.unlink()
    for at, lie in (64, struct.pack('=i', -5)), (64, bytes(4)), (68, struct.pack('=i', -5)), (80, b'\xff' * 8):
        published.write_bytes(sound[:at] + lie + sound[at + len(lie):])
        lies = run('record', '-o', path, published)
        expect(f'{lie} at {at}', [lies.returncode, lies.stderr.count('no process has such a number'), path.exists()], [1, 1, False])
    # If the file has no lock, and neither the process nor its end can be seen, the recorder cannot know when to end.
    published.write_bytes(sound[:188] + bytes(4) + sound[192:])
    with subprocess.Popen([tool, 'record', '-o', path, published], stderr=subprocess.PIPE, text=True) as recorder:
        said = recorder.stderr.readline()
        wait_for('a reading', lambda: path.exists() and path.stat().st_size > 0)
        recorder.terminate()
    expect('who is not to be seen', ['recording ends when it is interrupted' in said, recorder.returncode], [True, 0])
    published.unlink()

finish()
