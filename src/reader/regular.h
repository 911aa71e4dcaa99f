/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opens regular files, and nothing else: a path may be another user's, who put a device there, or a fifo, and to open
 * such a thing may do something, or wait.
 */
#ifndef TM_REGULAR_H
#define TM_REGULAR_H

#include <sys/stat.h>

/* A descriptor for what is there, not opened yet; -1 with errno, EINVAL if it is no regular file. Flags: O_NOFOLLOW. */
int tm__find_regular(int directory, const char *path, int flags, struct stat *file);

/* The same for reading; -1 with errno. What was found is closed. */
int tm__open_found(int found, int directory, const char *path);

#endif
