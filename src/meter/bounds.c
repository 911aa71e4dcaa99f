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

static struct tm__identity *home_identity(void)
{
    return &tm__slot_of(tm__thread.home)->identity;
}

/* Released, as in peak.h. The thread's peak must be, too, for tm__thread_peak(). */
static void raise_to(_Atomic uint64_t *peak, uint64_t live)
{
    if (live > tm__load(peak))
        tm__store_release(peak, live);
}

void tm__recheck_limits(void)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    if (!tm__thread.bounded) {
        raise_to(&home_identity()->thread_peak_bytes, tm__load(&home_identity()->peak_bytes));
        tm__own_tag_slots()->tag_slots[0].watermark = tm__watermark(tm__thread.home);
        tm__thread.bounded = true;
    }
    tm__lower_bounds_watermark(bounds);
    bounds->excess = TM__UNKNOWN;
    if (in_own_slot())
        tm__swap_watermark(tm__thread.me, 0);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/*
 * Whether the thread is still bounded. It is not if it is in its home slot, owns nothing in its tag slots, and has
 * neither a section nor a limit. Tag slots cannot grow before the thread enters their tags, see turn_to(); so while
 * they are empty, the thread's live bytes are those of its home slot.
 *
 * What it owns in its tag slots is what it owns in all its slots less what it owns in its home slot. Of each remote
 * free of a block of the home slot, that slot's lane is written first, and the sum of all slots is read first. So frees
 * in progress can only make the difference too large, and when it is 0, so are the tag slots.
 */
static bool has_bounds(const struct tm__bounds *bounds, uint64_t in_other_slots)
{
    return tm__thread.me != tm__thread.home || in_other_slots != 0 || bounds->section || bounds->limit != 0 ||
           bounds->soft.bytes != 0;
}

/* The lowest bound: until live bytes are above it, nothing has to be checked. */
static uint64_t next_bound(const struct tm__bounds *bounds)
{
    uint64_t bound = tm__load(&home_identity()->thread_peak_bytes);
    if (bounds->section)
        bound = least(bound, bounds->section->high);
    if (bounds->limit != 0)
        bound = least(bound, bounds->limit);
    if (bounds->soft.bytes != 0)
        bound = bounds->soft.passed ? 0 : least(bound, bounds->soft.bytes);
    return bound;
}

bool tm__check_limits(size_t size, const struct tm__block *replaced, bool refusable, enum tm__credited *credited)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    struct tm__owner *me = tm__thread.me;
    struct tm__slot *slot = tm__slot_of(me);
    /* In this order: see has_bounds(). */
    uint64_t thread_live = tm__own_balance() - tm__thread_remote_freed_bytes(tm__slot_of(tm__thread.home));
    uint64_t remote_freed = tm__own_remote_freed_bytes(slot), balance = tm__balance_of(me) + size;

    /* Memory order does not matter here: `replaced` is still charged, so its slot's `thread` cannot change. */
    const struct tm__slot *from = replaced ? tm__slot_at(replaced->slot) : NULL;
    uint64_t freed = from && tm__load(&from->identity.thread) == tm__thread.id ? replaced->size : 0;
    uint64_t freed_here = from == slot ? freed : 0, live_here = balance - remote_freed - freed_here;
    uint64_t live = thread_live + size - freed, in_other_slots = thread_live + size - (balance - remote_freed);
    if (refusable && bounds->limit != 0 && live > bounds->limit && size > freed) /* a block may always shrink */
        return false;
    bool tag_bounded = false;
    /* Relaxed: the calling thread's own. It is that of the slot, also in a signal handler, while the thread turns. */
    tm_tag tag = (tm_tag)atomic_load_explicit(&slot->identity.tag, memory_order_relaxed);
    if (tag != 0 && !tm__tag_admits(tag, size, replaced, refusable, &tag_bounded, credited))
        return false;

    if (bounds->soft.bytes != 0 && tm__soft_limit_crossed(&bounds->soft, live - size + freed, live))
        bounds->calls |= TM__CALL_THREAD;
    raise_to(&slot->identity.peak_bytes, live_here);
    raise_to(&home_identity()->thread_peak_bytes, live);
    if (bounds->section && live > bounds->section->high)
        bounds->section->high = live;

    uint64_t bound = next_bound(bounds);
    uint64_t until_credited = live + freed - freed_here; /* tm__credit_own_slot() subtracts the rest */
    bounds->excess = until_credited > bound ? until_credited - bound : 0;
    uint64_t watermark = bounds->excess ? 0 : balance - freed_here + (bound - until_credited);
    bounds->most = bounds->elsewhere + watermark;
    if (bounds->excess)
        tm__lower_bounds_watermark(bounds);
    uint64_t own_watermark = tm__tail ? 0 : tm__load(&slot->identity.peak_bytes) + remote_freed;
    if (tm__present_slot())
        tm__present_slot()->watermark = own_watermark;
    tm__thread.bounded = has_bounds(bounds, in_other_slots);
    if (tm__thread.bounded)
        own_watermark = least(own_watermark, watermark);
    tm__swap_watermark(me, tag_bounded ? 0 : own_watermark);
    if (tag != 0 && !tag_bounded && tm__tag_is_bounded(tag)) {
        tm__swap_watermark(me, 0);
        tm__tag_admits(tag, size, replaced, false, &tag_bounded, credited); /* it got a limit meanwhile */
    }
    return true;
}

void tm__call_soft_limits(void)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    unsigned calls = bounds->calls;
    /* Copies: a callback may cross another soft limit, or remove its own. */
    struct tm__soft soft = bounds->soft, tag_soft = bounds->tag_soft;
    bounds->calls = 0;
    if (calls & TM__CALL_THREAD)
        soft.call(soft.live, soft.arg);
    if (calls & TM__CALL_TAG)
        tag_soft.call(tag_soft.live, tag_soft.arg);
}
