/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/area.h"

static_assert(offsetof(struct tm__region, slots) % TM__HEAD == 0, "slots begin with a page");

/* Touched only where used, as what is no more than zeros is. */
union small_region {
    struct tm__region region;
    char room[offsetof(struct tm__region, slots) + TM__SHARED_SLOTS * sizeof(struct tm__slot)];
};
static union small_region undecided, refused; /* there was no memory for larger ones */

struct tm__slot *_Atomic tm__slots = undecided.region.slots;
struct tm__region_memory tm__region_memory;

struct tm__flows *tm__flows_now(void)
{
    struct tm__region *region = tm__region_now();
    uint64_t offset = region->head.flows_offset;
    return offset != 0 ? (struct tm__flows *)((char *)region + offset) : NULL;
}

/*
 * Acquire: there are books, then. Slots themselves begin as zeros, which are a slot that nobody had: so what makes the
 * table grow may be of whatever order, its swap decides who has the new one.
 */
uint32_t tm__slots_used(void)
{
    uint32_t used = atomic_load_explicit(&tm__region_now()->head.slots_used, memory_order_acquire);
    return used > TM__SHARED_SLOTS ? used : TM__SHARED_SLOTS;
}

bool tm__region_is_undecided(void)
{
    return tm__region_now() == &undecided.region;
}

struct tm__region *tm__refused_region(void)
{
    return &refused.region;
}

/* The default order: publishes the region's memory, counterpart of tm__slot_at(). */
bool tm__decide_region(struct tm__region *region)
{
    struct tm__slot *expected = undecided.region.slots;
    return atomic_compare_exchange_strong(&tm__slots, &expected, region->slots);
}
