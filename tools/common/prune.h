/* SPDX-License-Identifier: BSD-3-Clause */
/* Removes files of processes that are gone. */
#ifndef TM_PRUNE_H
#define TM_PRUNE_H

#include <stdbool.h>
#include <sys/stat.h>

/* A file in a directory that is searched. */
struct tool_place {
    int directory;
    const char *name, *path;
    const char *why_foreign; /* what tool_why_foreign() says of the directory */
    struct stat file;        /* of the file that was opened */
};

/*
 * Removes the file that was opened, if it is still there, belongs to the caller, no other user can replace it, and
 * tm_reader_remove() finds that its process is gone. Works on the directory's descriptor, so it does not matter if the
 * path leads elsewhere now. Returns 0; -EPERM or -EBUSY; or what tm_reader_remove() returns.
 */
int tool_remove(const struct tool_place *place);

/* Whether this may be the name of a temporary file: one that a process has not finished writing. */
bool tool_is_temporary(const char *name);
/* Removes a temporary file, and prints that, if its process is gone and the file belongs to the caller. */
void tool_prune_temporary(struct tool_place *place);

#endif
