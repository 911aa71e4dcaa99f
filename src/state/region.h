/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the region is: one range of addresses, private or published, which is reserved at once, and opened and touched
 * only as it is used (pages.h). The first thread that needs it decides which it is. Until then, and if there is no
 * memory for it, a static region takes its place, which has only the shared slots.
 */
#ifndef TM_REGION_H
#define TM_REGION_H

#include "state/layout.h"

#include <stdbool.h>

/*
 * The slots of the present region, by which the region itself is found, too: this saves one addition at each remote
 * free.
 */
extern struct tm__slot *_Atomic tm__slots __attribute__((visibility("hidden")));

/* Acquire, since the region's memory is new: the counterpart is the exchange that decides which region it is. */
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

/* The static region until one is decided on, and the one for a process without memory for a larger one. */
bool tm__region_is_undecided(void);
struct tm__region *tm__minimal_region(void);

/* Makes this the region; false if another thread has decided on another one. */
bool tm__decide_region(struct tm__region *region);

#endif
