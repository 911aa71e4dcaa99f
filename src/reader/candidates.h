/* SPDX-License-Identifier: BSD-3-Clause */
/* Which processes may be the one that a file is of, by their numbers alone. */
#ifndef TM_CANDIDATES_H
#define TM_CANDIDATES_H

#include "reader/process.h"

/*
 * Their pids, as this side numbers them, to be freed; false if there is no memory. All processes are looked at once, not
 * once for each file: a list of them is kept for a second, for files that are older than it.
 */
bool tm__find_candidates(const struct tm__who *who, int fd, pid_t **candidates, size_t *count);

#endif
