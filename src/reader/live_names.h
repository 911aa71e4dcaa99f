/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of a process's threads that live, which may change at any time. */
#ifndef TM_LIVE_NAMES_H
#define TM_LIVE_NAMES_H

#include "reader/rows_store.h"

/* Begins as zeros. */
struct tm__names {
    struct tm__known_name *all; /* by tid; asked for once a second */
    size_t count, capacity;
    uint64_t due_ns; /* CLOCK_MONOTONIC */
};

/* Puts them into slots and flows. Where there is no memory, or nothing to be asked, names stay as the file has them. */
void tm__give_names(struct tm__names *names, pid_t pid, struct tm__rows *rows);
void tm__free_names(struct tm__names *names);

#endif
