/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds the file of a program that is to be started, and starts it. */
#ifndef TM_PROGRAM_H
#define TM_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/* Exit codes for a program that was not started: the same as those of env, nice and the shells. */
enum {
    TOOL_CANNOT_RUN = 126,
    TOOL_NOT_FOUND = 127,
};

struct tool_program {
    char path[PATH_MAX];   /* contains a slash */
    char loaded[PATH_MAX]; /* what the kernel loads: of a script, its interpreter. "": it cannot be read */
    bool privileged;       /* setuid, setgid or with capabilities: the dynamic linker preloads nothing into it */
};

/*
 * Finds a program as a shell does, and checks whether a library can be preloaded into it, or into the interpreter of a
 * script. Returns 0; or an exit code, with a message on stderr.
 */
int tool_find_program(struct tool_program *program, const char *name);

/* Replaces this process by the program. Returns only if that fails: an exit code, with a message. */
int tool_become(const struct tool_program *program, char **argv);

#endif
