/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the books are: one range of addresses, reserved at once, opened and touched only where used (room.h), whether it
 * is ours alone or published. Decided once, by whoever needs it first; until then, and where there is no memory for it, there are books
 * with the shared slots only.
 */
#ifndef TM_BOOKS_H
#define TM_BOOKS_H

#include "state/layout.h"

#include <stdbool.h>

/* Of the books there are now, which are found by them: a free of another thread's block has one addition less so. */
extern struct tm__slot *_Atomic tm__slots __attribute__((visibility("hidden")));

/* Acquire, for the books' memory is new: counterpart of the swap that decides which they are. */
static inline struct tm__slot *tm__slot_at(uint32_t slot)
{
    return &atomic_load_explicit(&tm__slots, memory_order_acquire)[slot];
}

static inline struct tm__region *tm__region_now(void)
{
    return (struct tm__region *)((char *)tm__slot_at(0) - offsetof(struct tm__region, slots));
}

/* NULL if there is no memory for them. */
struct tm__flows *tm__flows_now(void);

/* Slots are numbered from 0 to one less than this. */
uint32_t tm__slots_used(void);

/* ---- for open.c ---- */

/* The region that there is until it is decided which; and the one where there is no memory for a larger one. */
bool tm__region_is_undecided(void);
struct tm__region *tm__refused_region(void);

/* From now on this one; false if another was decided on. */
bool tm__decide_region(struct tm__region *region);

#endif
