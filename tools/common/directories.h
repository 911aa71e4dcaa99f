/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories where programs publish, and whether another user may change them. */
#ifndef TM_DIRECTORIES_H
#define TM_DIRECTORIES_H

#include <stdbool.h>
#include <stddef.h>

struct stat;

/* The name of the default directory: in $XDG_RUNTIME_DIR, if only the caller may write there, or else in /dev/shm. */
void tool_name_default_directory(char *path, size_t size);
/* Creates it with mode 0700. False, with a message, if that fails, or if another user may read or change it. */
bool tool_default_directory(char *path, size_t size);

/*
 * $THREADMETER_PUBLISH, for programs that the caller starts. NULL: it is not set; or, with a message, the caller is
 * root and it is another user's directory. Root may have got the variable from that user's environment, and must not
 * publish there.
 */
const char *tool_directory_to_publish(void);

/* Why another user could replace one of the caller's files in this directory by another file. NULL: nobody can. */
const char *tool_why_foreign(const struct stat *directory);

#endif
