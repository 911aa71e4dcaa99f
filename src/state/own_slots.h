/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calling thread's slots: its home slot, and one for each tag that it has been in. All here is the thread's own, but
 * for the slots' counters. It keeps its slots until it exits.
 */
#ifndef TM_OWN_SLOTS_H
#define TM_OWN_SLOTS_H

#include "state/slot.h"
#include "threadmeter/tags.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct tm__tag_slot {
    struct tm__owner *owner;
    tm_tag tag; /* 0: spare */
};

/* Touched only where used. */
struct tm__tag_slots {
    struct tm__bounds bounds; /* how the thread finds it */
    /* Relaxed: only a signal handler of the same thread may come in between. */
    _Atomic uint32_t count;
    uint32_t ended;                     /* tm__tags_ended when they were looked through last */
    uint16_t number_at[TM__TAG_PLACES]; /* by place in the tags' table: its tag slot, from 1 on; 0: none */
    struct tm__tag_slot tag_slots[TM__TAG_PLACES];
};

static inline struct tm__tag_slots *tm__own_tag_slots(void)
{
    static_assert(offsetof(struct tm__tag_slots, bounds) == 0, "one is the other");
    return (struct tm__tag_slots *)tm__thread.bounds;
}

static inline uint32_t tm__count_tag_slots(const struct tm__tag_slots *all)
{
    return all ? atomic_load_explicit(&all->count, memory_order_relaxed) : 0;
}

/* How many slots the calling thread has; home is number 0. Async-signal-safe, as is the next. */
uint32_t tm__count_own_slots(void);
struct tm__slot *tm__own_slot(uint32_t number);

/* Live bytes of all of the calling thread's slots but this one. */
uint64_t tm__live_in_own_slots(const struct tm__owner *but);

/* The calling thread's bounds, and a place for its slots for tags; made if there are none. NULL: there is no memory. */
struct tm__bounds *tm__open_bounds(void);

/* The thread leaves its home slot: before that, it leaves the others, and its bounds. */
void tm__leave_tag_slots(void);

#endif
