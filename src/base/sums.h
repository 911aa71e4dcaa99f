/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums and differences of totals. Peaks are left alone, since the peak of a sum is not the sum of the peaks. */
#ifndef TM_SUMS_H
#define TM_SUMS_H

#include "threadmeter/totals.h"

#include <assert.h>

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

#endif
