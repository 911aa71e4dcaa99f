#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# threadmeter top in unusual terminals: with one column, with none, with thirty thousand; resized all the time; of an
# unknown type; and without a terminal. usage: top_strangers.py TOOL HOLDER; prints TAP.
import fcntl
import os
import pty
import random
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

from expecting import finish, result

TOOL, HOLDER = map(os.path.realpath, sys.argv[1:3])
SIZES = [(1, 1), (1, 2), (2, 1), (3, 10), (10, 3), (1, 80), (24, 1), (0, 0), (5, 5), (300, 500), (2, 1000), (24, 80)]
KEYS = [b"j", b"G", b"h", b"h", b"t", b"/", b"\xe6\x97\xa5", b"\x7f", b"\x1b", b"t", b" ", b" ", b"n", b"+", b"-"]


class Top:
    def __init__(self, directory, size, arguments, **environment):
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.execve(TOOL, [TOOL, "top", *arguments], {
                "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm", "XDG_RUNTIME_DIR": directory,
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0", # waits where there is no terminal
                **environment})
        self.pid, self.said, self.status = pid, b"", None
        self.resize(size)

    def resize(self, size):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))

    def read(self, seconds=0.0):
        while select.select([self.terminal], [], [], seconds)[0]:
            try:
                more = os.read(self.terminal, 65536)
            except OSError:
                return False
            self.said += more
            if not more:
                return False
            seconds = 0.0
        return True

    def press(self, keys):
        os.write(self.terminal, keys)
        self.read()

    def shows(self, text):
        for _ in range(600):
            if text in self.said:
                return True
            if not self.read(0.1):
                break
        return text in self.said

    def ends(self):
        for _ in range(1200):
            if not self.read(0.05):
                time.sleep(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                self.read()  # what it said between the last look and its end
                return True
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return False


def sizes(directory, pid):
    for arguments in ([str(pid)], []):
        top = Top(directory, (24, 80), ["-d", "10ms", *arguments])
        drawn = top.shows(b"LIVE")
        for size in SIZES:
            top.resize(size)
            for key in KEYS:
                top.press(key)
            time.sleep(0.03)
        top.press(b"\x1b")
        top.said = b""
        top.resize((25, 81))
        drawn = drawn and top.shows(b"LIVE")
        top.press(b"Q")
        result(top.ends() and top.status == 0 and drawn, f"any size, of {'one' if arguments else 'all'}", (top.status, top.said[-2000:]))


def storm(directory, pid):
    chance = random.Random(1)
    top = Top(directory, (24, 80), ["-d", "10ms", str(pid)])
    drawn = top.shows(b"LIVE")
    for _ in range(2000):
        top.resize((chance.randrange(1, 60), chance.randrange(1, 200)))
        os.kill(top.pid, signal.SIGWINCH)
        top.press(chance.choice(KEYS))
    top.press(b"\x1b\x1b")
    top.said = b""
    top.resize((30, 100))
    drawn = drawn and top.shows(b"LIVE")
    top.press(b"Q")
    result(top.ends() and top.status == 0 and drawn, "two thousand sizes, one after the other", (top.status, top.said[-2000:]))


def begins(directory, pid):
    """Sizes and types of the terminal at the start."""
    for size, environment in [((1, 1), {}), ((0, 0), {}), ((3, 10), {}), ((24, 80), {"LINES": "1", "COLUMNS": "1"}),
                              ((24, 80), {"LINES": "500", "COLUMNS": "500"}), ((24, 80), {"LC_ALL": "C"})]:
        top = Top(directory, size, ["-d", "10ms", str(pid)], **environment)
        time.sleep(0.2)
        top.press(b"jt")
        top.resize((24, 80))
        drawn = top.shows(b"LIVE")
        top.press(b"q")
        result(top.ends() and top.status == 0 and drawn, f"begins with {size} {environment}", (top.status, top.said[-2000:]))
    for kind in ["nobody-knows", "../../../etc/passwd", "dumb", ""]:
        top = Top(directory, (24, 80), [str(pid)], TERM=kind)
        result(top.ends() and top.status == 1 and b"--once" in top.said and top.said.count(b"\n") == 1, f"TERM={kind}", top.said)


def none(directory, pid):
    """No terminal, closed descriptors, and a terminal that is closed while top runs."""
    environment = {"XDG_RUNTIME_DIR": directory, "TERM": "xterm"}
    for redirection in ["<&-", ">&-", "<&- >&-", "</dev/null", ">/dev/null", "<&- 2>&-", "<&- >&- 2>&-"]:
        done = subprocess.run(["sh", "-c", f'exec "$0" top {pid} {redirection}', TOOL], env=environment, check=False,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = "2>&-" in redirection or b"--once" in done.stderr
        result(done.returncode == 1 and done.stdout == b"" and said, f"no terminal: {redirection}", done)
    top = Top(directory, (24, 80), ["-d", "10ms", str(pid)])
    drawn = top.shows(b"LIVE")
    os.close(top.terminal)
    top.read = lambda seconds=0.0: time.sleep(seconds)
    result(drawn and top.ends() and top.status in (0, -signal.SIGHUP), "a terminal that goes away", top.status)


def main():
    with tempfile.TemporaryDirectory() as directory:
        os.mkdir(os.path.join(directory, "threadmeter"), 0o700)
        holder = subprocess.Popen([HOLDER, "日本語=5x1000@日本語タグ名前長い", "ééééé=1x10@upload", "gone=3x7000!"],
                                  env={"THREADMETER_PUBLISH": os.path.join(directory, "threadmeter")}, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        holder.stdout.readline()
        try:
            sizes(directory, holder.pid)
            storm(directory, holder.pid)
            begins(directory, holder.pid)
            none(directory, holder.pid)
        finally:
            holder.kill()
            holder.wait()
    finish()


main()
