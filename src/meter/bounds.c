/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "meter/bounds.h"
#include "block/block.h"
#include "meter/peak.h"
#include "meter/soft_limit.h"
#include "meter/tag_limits.h"
#include "state/own_slots.h"
#include "state/tag_table.h"
#include "threadmeter/limits.h"

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
        tm__slot_of(tm__thread.home)->watermark = tm__watermark(tm__thread.home);
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

bool tm__check_limits(size_t size, const struct tm__block *instead, bool refusable, enum tm__credited *credited)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    struct tm__owner *me = tm__thread.me;
    struct tm__slot *slot = tm__slot_of(me);
    uint64_t others = tm__remote_freed_bytes(me), balance = tm__balance_of(me) + size;

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
    slot->watermark = tm__tail ? 0 : tm__load(&slot->identity.peak_bytes) + others;
    tm__thread.bounded = has_bounds(bounds, in_own_slots);
    if (!tm__thread.bounded)
        bounds->watermark = UINT64_MAX;
    tm__swap_watermark(me, tag_bounded ? 0 : least(slot->watermark, bounds->watermark));
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
