/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/open.h"
#include "base/kernel.h"
#include "base/messages.h"
#include "base/options.h"
#include "state/flow.h"
#include "state/fork.h"
#include "state/fork_copy.h"
#include "state/pages.h"
#include "state/publish.h"
#include "state/region.h"
#include "state/tag_table.h"
#include "state/thread.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef TM__TABLE_SLOTS
#define TM__TABLE_SLOTS 131072
#endif

/*
 * The memory is all 0. It is the caller's alone until it is published by the exchange of tm__slots; or it is the static
 * minimal region, into which all threads store the same. So memory order does not matter here.
 */
static void init_region(struct tm__region *region)
{
    tm__init_tags(region);
    atomic_store(&region->head.retired_used, 1);
    atomic_store(&region->head.slots_used, TM__SHARED_SLOTS);
}

static size_t whole_pages(size_t size)
{
    return (size + TM__HEAD - 1) / TM__HEAD * TM__HEAD;
}

static struct tm__extent extent_of(uint32_t slot_places)
{
    size_t flows_offset = whole_pages(offsetof(struct tm__region, slots) + slot_places * sizeof(struct tm__slot));
    size_t size = flows_offset + whole_pages(sizeof(struct tm__flows));
    return (struct tm__extent){slot_places, flows_offset, size, tm__flow_requested ? size : flows_offset};
}

static void describe_layout(struct tm__head *head, const struct tm__extent *extent)
{
    memcpy(head->magic, TM__MAGIC, sizeof head->magic);
    head->layout = TM__LAYOUT;
    head->byte_order = TM__BYTE_ORDER;
    head->size = extent->size;
    head->tags_offset = offsetof(struct tm__region, tags);
    head->retired_offset = offsetof(struct tm__region, retired);
    head->slots_offset = offsetof(struct tm__region, slots);
    head->flows_offset = extent->flows_offset;
    head->tag_size = sizeof(struct tm__tag);
    head->tag_places = TM__TAG_PLACES;
    head->retired_size = sizeof(struct tm__retired);
    head->retired_places = TM__RETIRED_PLACES;
    head->slot_size = sizeof(struct tm__slot);
    head->slot_places = extent->slot_places;
}

enum { SHARE = 64, LEAST_PLACES = 256 };

/* If address space is limited, the slots take no more than a share of it. */
static uint32_t wanted_places(void)
{
    struct rlimit limit;
    if (tm__sys_getrlimit(RLIMIT_AS, &limit) != 0)
        return TM__TABLE_SLOTS;
    uint64_t share = limit.rlim_cur / SHARE / sizeof(struct tm__slot);
    share = share > LEAST_PLACES ? share : LEAST_PLACES;
    return share < TM__TABLE_SLOTS ? (uint32_t)share : TM__TABLE_SLOTS;
}

/*
 * Reserves addresses only, which read as 0; tm__make_writable() opens them before they are written to. If there is not
 * enough address space, it tries half as many slots.
 */
static struct tm__region *reserve(struct tm__extent *extent)
{
    uint32_t places = wanted_places();
    void *memory;
    do {
        *extent = extent_of(places);
        memory = tm__sys_mmap(NULL, extent->mapped, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
        places /= 2;
    } while (tm__sys_failed(memory) && places >= LEAST_PLACES);
    return tm__sys_failed(memory) ? NULL : memory;
}

/* The fork handlers are needed, since without them a fork's child would write to its parent's region. */
static bool publish(tm__temporary *temporary, struct tm__region *region, const struct tm__extent *extent)
{
    *temporary = 0;
    if (!tm__register_fork_handlers() || !tm__map_temporary(temporary, region, extent))
        return false;
    tm__reserve_fork_copy();
    return true;
}

/* NULL if there is no memory. */
static struct tm__region *new_region(tm__temporary *temporary, struct tm__extent *extent)
{
    struct tm__region *region = reserve(extent);
    *temporary = 0;
    if (region && tm__publish_directory[0] && !publish(temporary, region, extent)) {
        tm__sys_munmap(region, extent->mapped); /* the file that failed may be mapped there */
        region = reserve(extent);
    }
    if (region && *temporary == 0) {
        if (!tm__open_first(region, extent->mapped)) {
            tm__sys_munmap(region, extent->mapped);
            return NULL;
        }
        tm__avoid_huge_pages(region, extent->mapped);
    }
    return region;
}

static void decide(void)
{
    tm__read_thread_options();
    tm__temporary temporary;
    struct tm__extent extent;
    struct tm__region *fresh = new_region(&temporary, &extent), *region = fresh ? fresh : tm__minimal_region();
    if (fresh)
        describe_layout(&region->head, &extent);
    init_region(region);
    if (tm__decide_region(region)) {
        tm__publish_temporary(temporary);
        if (!fresh)
            tm__notice("threadmeter: no memory for a table of threads, so they all share one row\n");
    } else if (fresh) {
        tm__sys_munmap(region, extent.mapped);
        tm__discard_temporary(temporary);
    }
}

/*
 * Stored with release after everything else, and loaded with acquire. A thread that finds a region decided on, but not
 * yet this, does the rest itself: otherwise it could attach before flow is on, and would never count what it frees.
 */
static _Atomic bool opened;

bool tm__open_region(void)
{
    if (!atomic_load_explicit(&opened, memory_order_acquire)) {
        if (tm__region_is_undecided())
            decide();
        if (tm__flow_requested)
            tm__turn_flow_on();
        atomic_store_explicit(&opened, true, memory_order_release);
    }
    return tm__region_now() != tm__minimal_region();
}
