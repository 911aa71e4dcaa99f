/* SPDX-License-Identifier: BSD-3-Clause */
/* Starts a program as a child of the tool; it behaves as if it had been started directly. */
#ifndef TM_SPAWN_H
#define TM_SPAWN_H

#include "run/program.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tool_child {
    pid_t pid;
    int status;        /* from waitpid(), after it has ended */
    int start_pipe[2]; /* the child waits for a byte in it */
    sigset_t signals;  /* those that the tool passes on: blocked */
    sigset_t old_mask;
};

/*
 * Forks a child that waits, and becomes the program when tool_spawn_start() is called: so its pid is known before the
 * program does anything. From here on the signals that the tool gets are meant for the program: they are blocked, and
 * tool_wait() passes them on. False, with a message, if no child can be started.
 */
bool tool_spawn(struct tool_child *child, const struct tool_program *program, char **argv);

/* After tool_spawn(), exactly one of these is called. */
void tool_spawn_start(struct tool_child *child);
void tool_spawn_cancel(struct tool_child *child); /* the child ends, and the program never runs */

/*
 * Passes signals on, and stops and continues when the program does. Returns true if the program has ended, false if so
 * many nanoseconds have passed, or earlier. UINT64_MAX: there is no timeout.
 */
bool tool_wait(struct tool_child *child, uint64_t ns);

/* The exit code of a program that has ended, as shells have it: its own, or 128 plus the signal's number. */
int tool_exit_code(const struct tool_child *child);

#endif
