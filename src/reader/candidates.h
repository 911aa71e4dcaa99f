/* SPDX-License-Identifier: BSD-3-Clause */
/* Which processes may be the one that publishes a file, by pid and start time alone. */
#ifndef TM_CANDIDATES_H
#define TM_CANDIDATES_H

#include "reader/process.h"

/*
 * Their pids in the reader's pid namespace, in an array that the caller frees. False if there is no memory. The list of
 * all processes is not made for each file: it is kept for a second, and used for files that are older than it.
 */
bool tm__find_candidates(const struct tm__publisher *publisher, int fd, pid_t **candidates, size_t *count);

#endif
