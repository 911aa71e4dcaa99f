#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""usage: damaged.py THREADMETER MAKE_RECORDING

If a recording is damaged, report shows the part that can be read, says so, and exits with 1. A recording that is still
being written is not damaged."""
import fcntl
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

from expecting import expect, finish

tool, make_recording = sys.argv[1:3]


def report(*arguments):
    return subprocess.run([tool, 'report', *map(str, arguments)], capture_output=True, text=True)


def frames(data):
    """The offset of each frame, by docs/formats/recording.md."""
    begins = [72]
    while begins[-1] < len(data):
        begins.append(begins[-1] + 8 + struct.unpack_from('<I', data, begins[-1])[0])
    return begins


def varint(number):
    return (bytes([number & 127 | 128]) + varint(number >> 7)) if number > 127 else bytes([number])


def table(keys, columns):
    """Rows that are all new, with columns by field numbers. Only the first part of the key differs between rows."""
    data, last = b'', 0
    for key in keys:
        data += varint(2) + varint(key - last) + varint(0) + varint(sum(1 << field for field in columns))
        last = key
    return data + varint(0) + b''.join(varint(2 * value) for field in sorted(columns) for value in columns[field])


def frame(content):
    payload = b'\0' + content
    length = struct.pack('<I', len(payload))
    return length + struct.pack('<I', zlib.crc32(length + payload)) + payload


def lock(file, kind):
    """The lock that the writer holds: of the open file, not of the process."""
    F_OFD_SETLK = 37
    fcntl.fcntl(file, F_OFD_SETLK, struct.pack('hhqqi4x', kind, os.SEEK_SET, 0, 0, 0))


with tempfile.TemporaryDirectory() as name:
    path = pathlib.Path(name) / 'recording'
    subprocess.run([make_recording, '20', '7', path], check=True)
    whole = path.read_bytes()
    begins = frames(whole)
    expect('frames', len(begins), 20 + 1 + 1) # of readings, of the end, and where that ends
    sound = report('--json', path)
    expect('a sound one', [sound.returncode, sound.stderr, json.loads(sound.stdout)['readings']], [0, '', 20])
    page = report('--html=-', path)
    has_page = 'built without the page' not in page.stderr

    # Five slots of one thread in no tag, with 2^62 bytes each, which is possible; and a tag, so that there is a matrix.
    slots = table(range(2, 7), {0: range(2, 7), 3: [1] * 5, 8: [1 << 62] * 5})
    flows = table(range(2, 42, 2), {0: range(1, 21), 6: [1 << 62] * 20, 7: [1] * 20})
    process, tags, threads = b'\2\0\0\0\0', table([2], {0: [2], 3: [4096]}), b'\0'
    path.write_bytes(whole[:72] + frame(b'\1' + process + tags + slots + threads + flows) + frame(b'\2\1'))
    text = report(path)
    expect('sums that would wrap', [text.returncode, text.stderr], [0, ''])
    matrix = text.stdout[text.stdout.index('AT PEAK, BY TAG'):].splitlines()
    expect('their matrix', [line.split()[-2:] for line in matrix[:2]], [['(unnamed)', '(none)'], ['16.0', 'EiB']])
    expect('their pairs', [line.split()[-5:] for line in text.stdout.splitlines() if line.endswith(' %')],
           [['4.00', 'EiB', '1', '25', '%']] * 16 + [['16.0', 'EiB', '4', '100', '%']])

    def expect_damage(what, data, readings, lost, why):
        path.write_bytes(data)
        for options in [], ['--all'], ['--json'], ['--html=-'] if has_page else ['--json']:
            result = report(*options, path)
            expect(f'{what} {options}', [result.returncode, result.stderr],
                   [1, f'threadmeter report: {path}: {why}, and what follows is lost: {lost} bytes\n'])
            if options == ['--json']:
                shown = json.loads(result.stdout)
                expect(f'{what}, what is shown', [shown['readings'], shown['lost_bytes'], shown['end']], [readings, lost, 'cut'])
            else:
                expect(f'{what} {options}, what is shown', f'{readings} readings' in result.stdout or options == ['--html=-'] and len(result.stdout) > 10000, True)

    middle = begins[10] + 20
    expect_damage('a byte', whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:], 10, len(whole) - begins[10], 'it is damaged')
    expect_damage('cut off', whole[:middle], 10, middle - begins[10], 'it was cut off')
    path.write_bytes(whole + b'more')
    result = report(path)
    expect('more', [result.returncode, 'something else follows its end' in result.stderr], [1, True])
    path.write_bytes(whole[:80])
    result = report(path)
    expect('no reading', [result.returncode, result.stdout, result.stderr],
           [1, '', f'threadmeter report: there is no reading in {path}: it was cut off\n'])

    # Two such slots do not become a page.
    path.write_bytes(whole)
    if has_page:
        for out in path, path.with_name('link'):
            if out != path:
                out.symlink_to(path)
            result = report(f'--html={out}', path)
            expect('a page over a recording', [result.returncode, result.stderr, path.read_bytes() == whole],
                   [1, f'threadmeter report: {out} is a recording, and not replaced by a page\n', True])

    # The recorder was killed between two readings, or while it wrote one; or it is writing one now.
    path.write_bytes(whole[:begins[10]])
    result = report(path)
    expect('without an end', [result.returncode, result.stderr], [0, ''])
    path.write_bytes(whole[:middle])
    with open(path, 'r+b') as writer:
        lock(writer, fcntl.F_WRLCK)
        result = report('--json', path)
        expect('being written', [result.returncode, result.stderr, json.loads(result.stdout)['lost_bytes']], [0, '', 0])
        lock(writer, fcntl.F_UNLCK)
        expect('not any more', report('--json', path).returncode, 1)

finish()
