/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/large.h"
#include "state/area.h"

static_assert(offsetof(struct tm__region, slots) % TM__HEAD == 0, "slots begin with a page");

/* Only the pages that are used take memory, as these are all 0. */
union small_region {
    struct tm__region region;
    char room[offsetof(struct tm__region, slots) + TM__SHARED_SLOTS * sizeof(struct tm__slot)];
};
union small_region tm__undecided TM__LARGE;
union small_region tm__minimal TM__LARGE; /* for a process that has no memory for a larger one */

struct tm__slot *_Atomic tm__slots = tm__undecided.region.slots;
struct tm__region_memory tm__region_memory;

struct tm__flows *tm__flows_now(void)
{
    struct tm__region *region = tm__region_now();
    uint64_t offset = region->head.flows_offset;
    return offset != 0 ? (struct tm__flows *)((char *)region + offset) : NULL;
}

/*
 * Acquire: the region is opened then. A slot begins as zeros, which means that no thread has had it yet. So memory
 * order does not matter where the table grows: the exchange there decides which thread gets the new slot.
 */
uint32_t tm__slots_used(void)
{
    uint32_t used = atomic_load_explicit(&tm__region_now()->head.slots_used, memory_order_acquire);
    return used > TM__SHARED_SLOTS ? used : TM__SHARED_SLOTS;
}

bool tm__region_is_undecided(void)
{
    return tm__region_now() == &tm__undecided.region;
}

struct tm__region *tm__minimal_region(void)
{
    return &tm__minimal.region;
}

/* The default order publishes the region's memory; the counterpart is in tm__slot_at(). */
bool tm__decide_region(struct tm__region *region)
{
    struct tm__slot *expected = tm__undecided.region.slots;
    return atomic_compare_exchange_strong(&tm__slots, &expected, region->slots);
}
