#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# How a real bash completes names that contain the shell's special characters. Each line is typed into a terminal,
# completed by Tab, and read by bash again: then its words must be the names, and no part of them was executed.
# usage: completion.py TOOL COMPLETION
import os
import pty
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOOL, COMPLETION = map(os.path.realpath, sys.argv[1:3])
FILES = ["one.tmrec", "new\nline.tmrec", "two words.tmrec", "glob*[x]?.tmrec", "back`touch pwned`.tmrec",
         "$(touch pwned).tmrec", "quo'te\".tmrec", "semi;touch pwned;.tmrec", "größer 日本.tmrec"]
PROGRAMS = ["zza words", "zzb`touch pwned`", "zzc$(touch pwned)", "zzd\nzza words"]
DIRECTORIES = ["dir with\nnewline", "dix `touch pwned`"]

# What is typed, and the words that the line must have after that.
CASES = [(["report", name[:3].replace(" ", "\\ ").replace("$(", "\\$\\(")], ["report", name]) for name in FILES]
CASES += [(["record", "-o", "two"], ["record", "-o", "two words.tmrec"]),
          (["report", "--html=glo"], ["report", "--html=glob*[x]?.tmrec"]),
          (["dump", "new"], ["dump", "new\nline.tmrec"]),
          (["list", "dir"], ["list", "dir with\nnewline/"]),
          (["run", "--publish", "dix"], ["run", "--publish", "dix `touch pwned`/"]),
          (["run", "zza"], ["run", "zza words"]),
          (["run", "--", "zzb"], ["run", "--", "zzb`touch pwned`"]),
          (["run", "zzc"], ["run", "zzc$(touch pwned)"]),
          (["run", "zzd"], ["run", "zzd"]),
          (["top", "--sort", "p"], ["top", "--sort", "peak"]),
          (["top", "--sort=n"], ["top", "--sort=name"])]


class Shell:
    def __init__(self, home):
        self.line = os.path.join(home, "typed")
        environment = {"PATH": os.pathsep.join([home, os.environ["PATH"]]), "HOME": home, "LC_ALL": "C.UTF-8",
                       "TERM": "dumb", "PS1": "> ", "HISTFILE": "/dev/null", "INPUTRC": "/dev/null"}
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.chdir(os.path.join(home, "here"))
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
        self.pid = pid
        self.said = b""
        threading.Thread(target=self.read, daemon=True).start()
        self.type(f". '{COMPLETION}'\n"
                  f"taken() {{ printf '%s' \"$READLINE_LINE\" >{self.line}.new; mv {self.line}.new {self.line}; "
                  "READLINE_LINE='' READLINE_POINT=0; }\n"
                  "bind -x '\"\\C-t\": taken'\n")

    def read(self):
        try:
            while more := os.read(self.terminal, 4096):
                self.said += more
        except OSError:
            pass

    def type(self, text):
        os.write(self.terminal, text.encode())

    def complete(self, text):
        self.type(text + "\t\x14")
        for _ in range(1200):
            if os.path.exists(self.line):
                with open(self.line, encoding="utf-8") as line:
                    completed = line.read()
                os.unlink(self.line)
                return completed
            time.sleep(0.05)
        raise SystemExit(f"bash does not answer: {self.said!r}")


def words_of(line, home):
    return subprocess.run(["bash", "-c", 'eval "set -- $1"; printf "%s\\0" "$@"', "bash", line], check=True,
                          cwd=os.path.join(home, "here"), stdout=subprocess.PIPE).stdout.decode().split("\0")[1:-1]


def main():
    with tempfile.TemporaryDirectory() as home:
        os.symlink(TOOL, os.path.join(home, "threadmeter"))
        os.mkdir(os.path.join(home, "here"))
        for name in FILES:
            with open(os.path.join(home, "here", name), "w", encoding="utf-8"):
                pass
        for name in DIRECTORIES:
            os.mkdir(os.path.join(home, "here", name))
        for name in PROGRAMS:
            with open(os.path.join(home, name), "w", encoding="utf-8") as program:
                program.write("#!/bin/sh\n")
                os.chmod(program.fileno(), 0o700)
        shell, failed = Shell(home), 0
        print(f"1..{len(CASES)}")
        for i, (typed, expected) in enumerate(CASES):
            line = shell.complete("threadmeter " + " ".join(typed))
            words = words_of(line, home)
            right = words == expected and not any("pwned" == name for name in os.listdir(os.path.join(home, "here")))
            print(f"{'ok' if right else 'not ok'} {i + 1} - {typed}" + ("" if right else f" gives {line!r}: {words}"))
            failed += not right
        os.kill(shell.pid, signal.SIGKILL)
        os.waitpid(shell.pid, 0)
        sys.exit(1 if failed else 0)


main()
