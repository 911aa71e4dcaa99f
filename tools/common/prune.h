/* SPDX-License-Identifier: BSD-3-Clause */
/* Removes what processes left. */
#ifndef TM_PRUNE_H
#define TM_PRUNE_H

#include <stdbool.h>
#include <sys/stat.h>

/* A file in a directory that is walked. */
struct tool_place {
    int directory;
    const char *name, *path;
    const char *why_foreign; /* of the directory: tool_why_foreign() */
    struct stat file;        /* as it was opened */
};

/*
 * Removes the file that was opened, if it is still there and the caller's own, nobody else can put another one in its
 * place, and its process is gone, as tm_reader_remove() says: whatever the directory's path leads to by now. -EPERM, or
 * what that returns.
 */
int tool_remove(const struct tool_place *place);

/* What a process began to publish; and removes it, with a word, if that process is gone, and the file the caller's. */
bool tool_is_temporary(const char *name);
void tool_prune_temporary(struct tool_place *place);

#endif
