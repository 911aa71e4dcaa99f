/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of a process's live threads, which may change at any time. */
#ifndef TM_LIVE_NAMES_H
#define TM_LIVE_NAMES_H

#include "reader/rows_store.h"

/* All zeros at first. */
struct tm__names {
    struct tm__known_name *all; /* sorted by tid; the kernel is asked at most once a second */
    size_t count, capacity;
    uint64_t due_ns; /* CLOCK_MONOTONIC */
};

/*
 * Writes them to slots and flows. If there is no memory, or if /proc does not show the process, names stay as in the
 * file.
 */
void tm__give_names(struct tm__names *names, pid_t pid, struct tm__rows *rows);
void tm__free_names(struct tm__names *names);

#endif
