#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# What fish and zsh make of a line that is completed by Tab, where they are installed; of bash, see completion.py.
# usage: completion_shells.py TOOL HOLDER COMPLETION.fish COMPLETION.zsh; prints TAP. HOLDER publishes its totals.
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOOL, HOLDER, FISH, ZSH = map(os.path.realpath, sys.argv[1:5])
COMMANDS = {"run", "list", "top", "dump", "record", "report", "export"}


def options_of(command):
    text = subprocess.run([TOOL, *command, "--help"], check=True, stdout=subprocess.PIPE).stdout.decode()
    return set(re.findall(r"^  (?:-., |    )(--[a-z][a-z-]*)", text, re.MULTILINE))


class Terminal:
    """A zsh whose line, once it has been completed, is written to a file."""

    def __init__(self, home, environment):
        self.line = os.path.join(home, "typed")
        self.said = b""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
        threading.Thread(target=self.read, daemon=True).start()
        self.type(f"fpath=({home}/functions $fpath); autoload -Uz compinit; compinit -u -d {home}/dump\n"
                  f"taken() {{ print -rn -- \"$BUFFER\" >{self.line}.new; mv {self.line}.new {self.line}; BUFFER=''; }}\n"
                  "zle -N taken; bindkey '^T' taken; bindkey '^I' complete-word; unsetopt auto_menu list_beep\n")

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
        raise SystemExit(f"zsh does not answer: {self.said!r}")


def fish_offers(text, environment):
    said = subprocess.run(["fish", "--no-config", "-c", f"source '{FISH}'; complete -C '{text}'"], env=environment,
                          check=True, stdout=subprocess.PIPE).stdout.decode()
    return {line.split("\t")[0] for line in said.splitlines()}


def cases(home, environment, pid):
    number = str(pid)
    if shutil.which("fish"):
        yield "fish: commands", fish_offers("threadmeter ", environment) == COMMANDS
        for command in sorted(COMMANDS):
            yield f"fish: options of {command}", fish_offers(f"threadmeter {command} --", environment) == options_of([command])
        yield "fish: a process", number in fish_offers("threadmeter dump ", environment)
        yield "fish: a program's", "zza-program" in fish_offers("threadmeter run -- zza", environment)
        yield "fish: a program's options", "--every" not in fish_offers("threadmeter record -- zza-program --", environment)
    else:
        yield "fish # SKIP not installed", True
    if shutil.which("zsh"):
        os.mkdir(os.path.join(home, "functions"))
        shutil.copy(ZSH, os.path.join(home, "functions", "_threadmeter"))
        terminal = Terminal(home, environment)
        for typed, completed in (("threadmeter du", "threadmeter dump "), ("threadmeter reco", "threadmeter record "),
                                 ("threadmeter dump --js", "threadmeter dump --json "),
                                 ("threadmeter record --ev", "threadmeter record --every "),
                                 ("threadmeter --ver", "threadmeter --version "),
                                 (f"threadmeter dump {number[:-1]}", f"threadmeter dump {number} "),
                                 ("threadmeter run zza", "threadmeter run zza-program "),
                                 ("threadmeter run -- zza", "threadmeter run -- zza-program ")):
            line = terminal.complete(typed)
            yield f"zsh: {typed}" + ("" if line == completed else f" gives {line!r}"), line == completed
        os.kill(terminal.pid, signal.SIGKILL)
        os.waitpid(terminal.pid, 0)
    else:
        yield "zsh # SKIP not installed", True


def main():
    with tempfile.TemporaryDirectory() as home:
        published = os.path.join(home, "threadmeter")
        os.mkdir(published, 0o700)
        os.mkdir(os.path.join(home, "bin"))
        os.symlink(TOOL, os.path.join(home, "bin", "threadmeter"))
        with open(os.path.join(home, "bin", "zza-program"), "w", encoding="utf-8") as program:
            program.write("#!/bin/sh\n")
            os.chmod(program.fileno(), 0o700)
        environment = dict(os.environ, PATH=os.pathsep.join([os.path.join(home, "bin"), os.environ["PATH"]]), HOME=home,
                           XDG_RUNTIME_DIR=home, LC_ALL="C.UTF-8", TERM="dumb", PS1="> ")
        holder = subprocess.Popen([HOLDER, "one=1x100"], env=dict(environment, THREADMETER_PUBLISH=published), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        holder.stdout.readline()
        failed = count = 0
        for count, (name, right) in enumerate(cases(home, environment, holder.pid), 1):
            print(f"{'ok' if right else 'not ok'} {count} - {name}", flush=True)
            failed += not right
        print(f"1..{count}")
        holder.kill()
        holder.wait()
        sys.exit(1 if failed else 0)


main()
