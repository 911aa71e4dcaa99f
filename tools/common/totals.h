/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic on totals. */
#ifndef TM_TOTALS_H
#define TM_TOTALS_H

#include "base/sums.h"

#include <stdbool.h>
#include <stdint.h>

#include <threadmeter/reader.h>

/*
 * Each sum over several processes, threads or recordings is made by this function, so no sum wraps around. A process
 * can publish any values: they may make a sum too large, but never hide what others own.
 */
static inline void tool_add_saturating(uint64_t *sum, uint64_t more)
{
    if (__builtin_add_overflow(*sum, more, sum))
        *sum = UINT64_MAX;
}

/* Adds the counters, saturating. Peaks are not changed. */
void tool_totals_add(struct tm_totals *sum, struct tm_totals more);
struct tm_totals tool_totals_at_most(struct tm_totals totals, struct tm_totals limit);
bool tool_totals_are_nothing(struct tm_totals totals);

/* The counters of `all` minus those of `part`; 0 if the result would be negative, as can be while a process runs. */
struct tm_totals tool_totals_beyond(struct tm_totals all, struct tm_totals part);

#endif
