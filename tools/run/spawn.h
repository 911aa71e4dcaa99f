/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs that the tool starts, with libthreadmeter_preload.so in them. */
#ifndef TM_SPAWN_H
#define TM_SPAWN_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Exit codes of a program that was not started, as of env, nice and the shells. */
enum {
    TOOL_CANNOT_RUN = 126,
    TOOL_NOT_FOUND = 127,
};

/* program.c */
struct tool_program {
    char path[PATH_MAX]; /* has a slash in it */
    bool privileged;     /* setuid and the like: the dynamic linker preloads nothing into it */
};

/*
 * Finds a program as a shell does, and looks whether anything can be preloaded into it, or into the interpreter of a
 * script. 0, or an exit code, with a message on stderr.
 */
int tool_find_program(struct tool_program *program, const char *name);

/* preload.c. All of these say why on stderr when they return false. */

/* $THREADMETER_PRELOAD, or what was built or installed with this tool. */
bool tool_find_preload(char *path, size_t size);

/* Creates the directory, for its owner alone, if there is none, and says where it is. NULL: the default one. */
bool tool_find_directory(char *path, size_t size, const char *directory);

/* Sets this process's environment for programs that it starts: metered, and published in this directory if not NULL. */
bool tool_meter_programs(const char *directory);

/* Becomes the program. Returns an exit code, with a message, if it cannot. */
int tool_become(const struct tool_program *program, char **argv);

/* spawn.c: a program that runs beside the tool, and behaves as if it had been started directly. */
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
