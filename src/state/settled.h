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

/*
 * `since`: what the slot's counters were when its present thread began to use it. A thread may have had the slot for
 * several tags, one after the other. It is stored and read like tm__identity. Its counters lie in the lanes, in the
 * order of struct tm__settled, two in each.
 */
static inline struct tm_totals tm__since_totals(const struct tm__slot *slot)
{
    struct tm__settled settled;
    size_t i = 0;
#define TM__LOAD(name)                                                                                                 \
    tm__store(&settled.name, tm__load(&slot->lanes[i / TM__SINCE_IN_LANE].since[i % TM__SINCE_IN_LANE]));              \
    i++;
    TM__SETTLED_COUNTERS(TM__LOAD)
#undef TM__LOAD
    return tm__settled_totals(&settled);
}

static inline void tm__store_since(struct tm__slot *slot, const struct tm_totals *totals)
{
    size_t i = 0;
#define TM__STORE(name)                                                                                                \
    tm__store(&slot->lanes[i / TM__SINCE_IN_LANE].since[i % TM__SINCE_IN_LANE], totals->name);                         \
    i++;
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
