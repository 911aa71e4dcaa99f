/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs that are to be started. */
#ifndef TM_PROGRAM_H
#define TM_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/* Exit codes of a program that was not started, as of env, nice and the shells. */
enum {
    TOOL_CANNOT_RUN = 126,
    TOOL_NOT_FOUND = 127,
};

struct tool_program {
    char path[PATH_MAX]; /* has a slash in it */
    bool privileged;     /* setuid and the like: the dynamic linker preloads nothing into it */
};

/*
 * Finds a program as a shell does, and looks whether anything can be preloaded into it, or into the interpreter of a
 * script. 0, or an exit code, with a message on stderr.
 */
int tool_find_program(struct tool_program *program, const char *name);

/* Becomes the program. Returns an exit code, with a message, if it cannot. */
int tool_become(const struct tool_program *program, char **argv);

#endif
