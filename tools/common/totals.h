/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic on figures. */
#ifndef TM_TOTALS_H
#define TM_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include <threadmeter/reader.h>

/*
 * All sums of figures that several processes, threads or recordings give are made by it: none wraps. What one process
 * says, which may be anything, makes a sum too large, but never hides what others own.
 */
static inline void tool_add_saturating(uint64_t *sum, uint64_t more)
{
    if (__builtin_add_overflow(*sum, more, sum))
        *sum = UINT64_MAX;
}

/* What says nothing in any column, and so has no row: the rows that are there add up to the total without it. */
static inline bool tool_did_nothing(const struct tm_totals *totals)
{
    return totals->allocated_blocks == 0 && totals->remote_frees_made_bytes == 0;
}

/* Counters, saturating; peaks are left alone. */
void tool_totals_add(struct tm_totals *sum, struct tm_totals more);
struct tm_totals tool_totals_at_most(struct tm_totals totals, struct tm_totals limit);
bool tool_totals_are_nothing(struct tm_totals totals);

/* What `all` has more than `part`; nothing where it has less, as may be while a process works. */
struct tm_totals tool_totals_beyond(struct tm_totals all, struct tm_totals part);

#endif
