/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opens regular files, and nothing else. Another user may have put a device or a FIFO at the path; to open a device may
 * have an effect, and to open a FIFO may wait.
 */
#ifndef TM_REGULAR_H
#define TM_REGULAR_H

#include <sys/stat.h>

/*
 * A descriptor (O_PATH) of the file at this path, which is not opened for reading yet. Returns -1 with errno; EINVAL if
 * it is not a regular file. The only flag is O_NOFOLLOW.
 */
int tm__find_regular(int directory, const char *path, int flags, struct stat *file);

/* Opens the file that was found for reading, and closes `found`. Returns -1 with errno. */
int tm__open_found(int found, int directory, const char *path);

#endif
