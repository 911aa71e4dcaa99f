/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories where programs publish, and who else has a say in them. */
#ifndef TM_DIRECTORIES_H
#define TM_DIRECTORIES_H

#include <stdbool.h>
#include <stddef.h>

struct stat;

/* Where programs publish if nothing else is said: in $XDG_RUNTIME_DIR if that is the caller's own, or in /dev/shm. */
void tool_name_default_directory(char *path, size_t size);
/* Created with mode 0700; false, with a message, if it cannot be, or is not the caller's alone. */
bool tool_default_directory(char *path, size_t size);

/*
 * $THREADMETER_PUBLISH, for programs that the caller starts; NULL: there is none, or, with a message, it is a directory
 * of another user's, where root's programs do not publish because somebody's environment says so.
 */
const char *tool_directory_to_publish(void);

/* Why others may put a file of theirs in the place of one of the caller's there. NULL: they may not. */
const char *tool_why_foreign(const struct stat *directory);

#endif
