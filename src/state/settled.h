/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Converts struct tm__settled to and from struct tm_totals, which has all its counters by the same names. All loads and
 * stores are relaxed: the code around them makes sure that they are of one moment.
 */
#ifndef TM_SETTLED_H
#define TM_SETTLED_H

#include "base/counter.h"
#include "base/sums.h"
#include "state/layout.h"

#define TM__ONE(...) +1
static_assert(TM_COUNTERS(TM__ONE) == TM__SETTLED_COUNTERS(TM__ONE) + 2,
              "all counters except freed_bytes and freed_blocks");
#undef TM__ONE

/* The result has no peak. */
static inline struct tm_totals tm__settled_totals(const struct tm__settled *settled)
{
#define TM__LOAD(name) .name = tm__load(&settled->name),
    struct tm_totals totals = {TM__SETTLED_COUNTERS(TM__LOAD)};
#undef TM__LOAD
    totals.freed_bytes = totals.allocated_bytes;
    totals.freed_blocks = totals.allocated_blocks;
    return totals;
}

static inline void tm__store_settled(struct tm__settled *settled, const struct tm_totals *totals)
{
#define TM__STORE(name) tm__store(&settled->name, totals->name);
    TM__SETTLED_COUNTERS(TM__STORE)
#undef TM__STORE
}

static inline void tm__add_settled(struct tm__settled *settled, const struct tm_totals *more)
{
    struct tm_totals sum = tm__settled_totals(settled);
    tm__add_totals(&sum, more);
    tm__store_settled(settled, &sum);
}

#endif
