/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "meter/bounds.h"
#include "meter/peak.h"
#include "state/own_slots.h"
#include "state/tag_table.h"
#include "threadmeter/limits.h"

#include <errno.h>

/* Relaxed: the caller's own counters. */
static uint64_t balance_of(const struct tm__owner *owner)
{
    return tm__load(&owner->allocated_bytes) - tm__load(&owner->freed_bytes);
}

static bool in_own_slot(void)
{
    return tm__thread.home && tm__thread.me != &tm__overflow_owner;
}

static struct tm__identity *home_record(void)
{
    return &tm__slot_of(tm__thread.home)->identity;
}

/* Released, as in peak.h; a thread's peak, for tm__thread_peak(). */
static void raise_to(_Atomic uint64_t *peak, uint64_t live)
{
    if (live > tm__load(peak))
        tm__store_release(peak, live);
}

void tm__recheck_limits(void)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    if (!tm__thread.bounded) {
        raise_to(&home_record()->thread_peak_bytes, tm__load(&home_record()->peak_bytes)); /* see tm__thread_peak() */
        home_record()->watermark = tm__watermark(tm__thread.home);
        tm__thread.bounded = true;
    }
    bounds->room = bounds->watermark = 0;
    bounds->excess = TM__UNKNOWN;
    if (in_own_slot())
        tm__swap_watermark(tm__thread.me, 0);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/*
 * Whether what the thread has beside its home slot, which it is in, or would have to look at, is not nothing. Its other
 * slots cannot grow before it enters their tags, see turn_to(); so if they are empty, its live bytes are its home's.
 */
static bool has_bounds(const struct tm__bounds *bounds, uint64_t in_own_slots)
{
    return tm__thread.me != tm__thread.home || in_own_slots != 0 || bounds->section || bounds->limit != 0 ||
           bounds->soft.bytes != 0;
}

/* What live bytes must pass before there is anything to see. */
static uint64_t next_bound(const struct tm__bounds *bounds)
{
    uint64_t bound = tm__load(&home_record()->thread_peak_bytes);
    if (bounds->section)
        bound = least(bound, bounds->section->high);
    if (bounds->limit != 0)
        bound = least(bound, bounds->limit);
    if (bounds->soft.bytes != 0)
        bound = bounds->soft.passed ? 0 : least(bound, bounds->soft.bytes);
    return bound;
}

bool tm__soft_limit_crossed(struct tm__soft *soft, uint64_t before, uint64_t live)
{
    if (soft->bytes == 0)
        return false;
    if (before <= soft->bytes - soft->bytes / 8)
        soft->passed = false;
    if (soft->passed || live <= soft->bytes)
        return false;
    soft->live = live;
    return soft->passed = true;
}

bool tm__check_limits(size_t size, const struct tm__block *instead, bool refusable, enum tm__credited *credited)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    struct tm__owner *me = tm__thread.me;
    struct tm__slot *slot = tm__slot_of(me);
    uint64_t others = tm__remote_freed_bytes(me), balance = balance_of(me) + size;

    /* `instead` is still charged; so `thread` is its owner's, of whatever order. */
    const struct tm__slot *from = instead ? tm__slot_at(instead->slot) : NULL;
    uint64_t gone = from && tm__load(&from->identity.thread) == tm__thread.id ? instead->size : 0;
    uint64_t gone_here = from == slot ? gone : 0, own = balance - others - gone_here;
    uint64_t in_own_slots = tm__live_in_own_slots(me), live = balance - others + in_own_slots - gone;
    if (refusable && bounds->limit != 0 && live > bounds->limit && size > gone) /* what shrinks passes no limit */
        return false;
    bool tag_bounded = false;
    if (tm__thread.tag != 0 && !tm__tag_admits(tm__thread.tag, size, instead, refusable, &tag_bounded, credited))
        return false;

    if (tm__soft_limit_crossed(&bounds->soft, live - size + gone, live))
        bounds->calls |= TM__CALL_THREAD;
    raise_to(&slot->identity.peak_bytes, own);
    raise_to(&home_record()->thread_peak_bytes, live);
    if (bounds->section && live > bounds->section->high)
        bounds->section->high = live;

    uint64_t bound = next_bound(bounds);
    uint64_t until_credited = live + gone - gone_here; /* tm__credit_own_slot() goes on from here */
    bounds->excess = until_credited > bound ? until_credited - bound : 0;
    bounds->watermark = bounds->excess ? 0 : balance - gone_here + (bound - until_credited);
    slot->identity.watermark = tm__tail ? 0 : tm__load(&slot->identity.peak_bytes) + others;
    tm__thread.bounded = has_bounds(bounds, in_own_slots);
    if (!tm__thread.bounded)
        bounds->watermark = UINT64_MAX;
    tm__swap_watermark(me, tag_bounded ? 0 : least(slot->identity.watermark, bounds->watermark));
    if (tm__thread.tag != 0 && !tag_bounded && tm__tag_is_bounded(tm__thread.tag))
        tm__swap_watermark(me, 0);
    return true;
}

void tm__call_soft_limits(void)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    unsigned calls = bounds->calls;
    struct tm__soft soft = bounds->soft, tag_soft = bounds->tag_soft; /* a callback may pass another, or lift its own */
    bounds->calls = 0;
    if (calls & TM__CALL_THREAD)
        soft.call(soft.live, soft.arg);
    if (calls & TM__CALL_TAG)
        tag_soft.call(tag_soft.live, tag_soft.arg);
}

/* False if the thread has no slot of its own, or there is no memory. */
static bool can_be_bounded(void)
{
    int saved = errno;
    if (tm__thread.me == &tm__unattached)
        tm__attach();
    errno = saved;
    return tm__thread.home && tm__open_bounds();
}

int tm_thread_limit(uint64_t bytes)
{
    if (!can_be_bounded())
        return -ENOMEM;
    tm__thread.bounds->limit = bytes;
    tm__recheck_limits();
    return 0;
}

int tm_thread_soft_limit(uint64_t bytes, tm_limit_callback *callback, void *arg)
{
    if (!can_be_bounded())
        return -ENOMEM;
    tm__thread.bounds->soft = (struct tm__soft){.bytes = callback ? bytes : 0, .call = callback, .arg = arg};
    tm__recheck_limits();
    return 0;
}

int tm_section_begin(struct tm_section *section)
{
    if (!can_be_bounded())
        return -ENOMEM;
    tm_thread_totals(&section->before);
    section->outer = tm__thread.bounds->section;
    section->high = tm_live_bytes(&section->before);
    tm__thread.bounds->section = section;
    tm__recheck_limits();
    return 0;
}

int tm_section_end(struct tm_section *section, struct tm_totals *totals)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    struct tm_section *inner = bounds ? bounds->section : NULL;
    uint64_t high = 0;
    for (; inner && inner != section; inner = inner->outer)
        high = inner->high > high ? inner->high : high;
    if (!inner)
        return -EINVAL;
    high = section->high > high ? section->high : high;
    bounds->section = section->outer;
    if (section->outer && high > section->outer->high)
        section->outer->high = high;
    tm__recheck_limits(); /* the outer section's bound is another */
    if (!totals)
        return 0;

    struct tm_totals now;
    tm_thread_totals(&now);
    *totals = (struct tm_totals){
        .allocated_bytes = now.allocated_bytes - section->before.allocated_bytes,
        .allocated_blocks = now.allocated_blocks - section->before.allocated_blocks,
        .freed_bytes = now.freed_bytes - section->before.freed_bytes,
        .freed_blocks = now.freed_blocks - section->before.freed_blocks,
        .remote_frees_received_bytes = now.remote_frees_received_bytes - section->before.remote_frees_received_bytes,
        .remote_frees_received_blocks = now.remote_frees_received_blocks - section->before.remote_frees_received_blocks,
        .remote_frees_made_bytes = now.remote_frees_made_bytes - section->before.remote_frees_made_bytes,
        .peak_bytes = high - tm_live_bytes(&section->before),
    };
    return 0;
}
