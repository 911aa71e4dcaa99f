/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums and differences of totals. Peaks are left alone, since the peak of a sum is not the sum of the peaks. */
#ifndef TM_SUMS_H
#define TM_SUMS_H

#include "threadmeter/totals.h"

#include <assert.h>
#include <stdbool.h>

#define TM__ONE(name, unit, meaning) +1
static_assert(sizeof(struct tm_totals) == (TM_COUNTERS(TM__ONE) + 1) * sizeof(uint64_t),
              "TM_COUNTERS lists all of struct tm_totals but the peak");
#undef TM__ONE

static inline void tm__add_totals(struct tm_totals *sum, const struct tm_totals *more)
{
#define TM__ADD(name, unit, meaning) sum->name += more->name;
    TM_COUNTERS(TM__ADD)
#undef TM__ADD
}

static inline void tm__subtract_totals(struct tm_totals *sum, const struct tm_totals *less)
{
#define TM__SUBTRACT(name, unit, meaning) sum->name -= less->name;
    TM_COUNTERS(TM__SUBTRACT)
#undef TM__SUBTRACT
}

/* Whether all columns of a row would be 0. Such a row is left out: the others add up to the total without it. */
static inline bool tm__did_nothing(const struct tm_totals *totals)
{
    return totals->allocated_blocks == 0 && totals->remote_frees_made_bytes == 0;
}

#endif
