/* SPDX-License-Identifier: BSD-3-Clause */
/* A program that runs beside the tool, and behaves as if it had been started directly. */
#ifndef TM_SPAWN_H
#define TM_SPAWN_H

#include "run/program.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tool_child {
    pid_t pid;
    int status;       /* of waitpid(), once it has ended */
    int go[2];        /* a pipe, until it is let go */
    sigset_t signals; /* which the tool passes on */
    sigset_t before;
};

/*
 * A process that becomes the program as soon as it is let go, so that there is a pid before anything is done. From here on
 * signals that the tool gets are the program's: they wait for tool_wait(). False, with a message, if there can be none.
 */
bool tool_spawn(struct tool_child *child, const struct tool_program *program, char **argv);

/* One of these is called next. */
void tool_let_go(struct tool_child *child);
void tool_call_off(struct tool_child *child); /* it ends without having done anything */

/*
 * Passes signals on, stops and goes on as the program does, until it has ended: true; or until so many nanoseconds are
 * over: false. UINT64_MAX: no end. It can be that it returns false early.
 */
bool tool_wait(struct tool_child *child, uint64_t ns);

/* Of a program that has ended, as a shell says it: its exit code, or 128 and the signal's number. */
int tool_exit_code(const struct tool_child *child);

#endif
