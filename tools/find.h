/* SPDX-License-Identifier: BSD-3-Clause */
/* How processes that publish are looked for, and what they left is removed. */
#ifndef TM_FIND_H
#define TM_FIND_H

#include "tool.h"

#include <sys/stat.h>

/* directories.c: why others may put a file of theirs in the place of one of the caller's there. NULL: they may not. */
const char *tool_why_foreign(const struct stat *directory);

/* A file in a directory that is walked. */
struct tool_place {
    int directory;
    const char *name, *path;
    const char *why_foreign; /* of the directory */
    struct stat file;        /* as it was opened */
};

/* prune.c */

/* The one answer to that question: nobody will write to the file, or read it. */
bool tool_may_be_removed(const struct tm_reading *reading);

/*
 * Removes the file that was opened, if it is still there, is the caller's own, and nobody else can put another one in its
 * place meanwhile: whatever the directory's path leads to by now. False with errno.
 */
bool tool_remove(const struct tool_place *place);

/* Removes what processes began to publish there that are gone, with a word; looks at `most`, and returns at how many. */
size_t tool_prune_drafts(int directory, const char *path, size_t most);

#endif
