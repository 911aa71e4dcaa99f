/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Crediting a freed block where the fast path cannot: a slot with many writers, a block of another thread. Of a header it
 * knows only the account word.
 *
 * Counters that have many writers are added to with release, as tm__add_own() does where there is one: slot.h says why.
 */
#include "meter/credit.h"
#include "block/block.h"
#include "meter/attach.h"
#include "meter/early.h"
#include "meter/shared.h"
#include "state/flow.h"
#include "state/slots.h"
#include "state/tag_table.h"

/* To what there is to see in the slot itself, or of all the thread has, whichever comes first. */
void tm__lower_watermark(struct tm__owner *owner, tm_tag tag)
{
    uint64_t own = tm__slot_of(owner)->watermark;
    uint64_t of_all = tm__thread.bounds->watermark;
    tm__swap_watermark(owner, own < of_all ? own : of_all);
    if (tag != 0 && tm__tag_is_bounded(tag))
        tm__swap_watermark(owner, 0);
}

void tm__credit_own_slot(struct tm__slot *slot, size_t size)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    tm__credit_own(&slot->owner, size);
    if (!tm__thread.bounded || &slot->owner == tm__thread.me || bounds->excess == TM__UNKNOWN)
        return;
    /* So much more may be live where the thread is, or so much less is above a bound. */
    bool above = bounds->excess > 0;
    uint64_t below = size > bounds->excess ? size - bounds->excess : 0;
    bounds->excess -= size - below;
    if (bounds->excess > 0)
        return;
    if (tm__thread.me == &tm__overflow_owner) {
        bounds->room = above ? below : bounds->room + below;
        return;
    }
    bounds->watermark = (above ? tm__balance_of(tm__thread.me) : bounds->watermark) + below;
    tm__lower_watermark(tm__thread.me, tm__thread.tag);
}

/* Whoever frees what is not its own is on record, too, one that only frees. */
static void count_remote_free(size_t size)
{
    struct tm__owner *me = tm__thread.me;
    if (me == &tm__unattached)
        me = tm__attach();
    if (tm__is_shared_owner(me))
        atomic_fetch_add_explicit(&tm__slot_at(tm__shared_slot_of(me))->own.remote_frees_made_bytes, size,
                                  memory_order_release);
    else
        tm__add_own(&tm__slot_of(me)->own.remote_frees_made_bytes, size);
}

/*
 * Whether the thread that has a lane is gone. Acquired: then all that it added is seen. It left its home slot behind
 * that, and who has that now took it over from it.
 */
static bool has_ended(uint64_t writer)
{
    const struct tm__identity *identity = &tm__slot_at((uint32_t)writer)->identity;
    uint64_t thread = atomic_load_explicit(&identity->thread, memory_order_acquire);
    uint64_t life = atomic_load_explicit(&identity->generation_state, memory_order_acquire);
    return (uint32_t)thread != writer >> 32 || tm__state_in(life) != TM__OWNED;
}

/* The lane that the thread has, or now takes; NULL if others have them all. */
static struct tm__lane *find_lane(struct tm__slot *slot)
{
    struct tm__lane *left = NULL;
    uint64_t me = tm__own_writer(), left_by = 0;
    size_t first = (size_t)(tm__first_lane(slot) - slot->lanes);
    for (size_t i = 0; i < TM__LANES; i++) {
        struct tm__lane *lane = &slot->lanes[(first + i) % TM__LANES];
        /* Acquired from its swap: its home slot is seen as that thread's, or a later one's. */
        uint64_t writer = atomic_load_explicit(&lane->writer, memory_order_acquire);
        if (writer == me)
            return lane;
        if (!left && (writer == 0 || has_ended(writer))) {
            left = lane;
            left_by = writer;
        }
    }
    /* The swap decides, of whatever order: counters of a lane that nobody has had are 0 since before the table. */
    return left && atomic_compare_exchange_strong(&left->writer, &left_by, me) ? left : NULL;
}

/*
 * The same for who frees block after block of one owner: where there was none, there is none for the next while. To
 * look is to wait for lines that others write.
 */
static struct tm__lane *lane_of(struct tm__slot *slot)
{
    enum { WHILE = 64 };
    uint32_t name = (uint32_t)(slot - tm__slot_at(0)) + 1;
    if (tm__own_writer() == 0 || (tm__thread.no_lane.slot == name && ++tm__thread.no_lane.times % WHILE != 0))
        return NULL;
    struct tm__lane *lane = find_lane(slot);
    tm__thread.no_lane.slot = lane ? 0 : name & 0xffffff;
    return lane;
}

/* To be followed by count_consumed(); false if that was done, too. */
static bool credit_lane(struct tm__slot *slot, size_t size)
{
    if (tm__credit_remote(slot, size))
        return false;
    struct tm__lane *lane = lane_of(slot);
    if (lane) {
        tm__thread.lane = (size_t)((char *)lane - (char *)slot); /* the next block will be of the same owner */
        tm__add_own(&lane->freed_bytes, size);
        tm__add_own(&lane->freed_blocks, 1);
    } else {
        lane = tm__first_lane(slot);
        atomic_fetch_add_explicit(&lane->shared_bytes, size, memory_order_release);
        atomic_fetch_add_explicit(&lane->shared_blocks, 1, memory_order_release);
    }
    return true;
}

static bool credit_shared(uint32_t number, size_t size)
{
    struct tm__slot *slot = tm__slot_at(number);
    if (tm__is_early() && number == TM__OVERFLOW_SLOT) {
        tm__credit_early(size);
        return false;
    }
    if (tm__is_shared_owner(tm__thread.me) && tm__shared_slot_of(tm__thread.me) == number) {
        tm__credit_sum_shared(number, size, 1);
        return false;
    }
    bool uncounted = credit_lane(slot, size);
    atomic_fetch_sub_explicit(&slot->identity.live_bytes, size, memory_order_release);
    return uncounted;
}

/* True if count_consumed() is to follow. */
static inline bool credit_counters(uint32_t number, size_t size)
{
    struct tm__slot *slot = tm__slot_at(number);
    bool uncounted = false;
    if (number < TM__SHARED_SLOTS)
        uncounted = credit_shared(number, size);
    else if (tm__load(&slot->identity.thread) == tm__thread.id)
        tm__credit_own_slot(slot, size);
    else
        uncounted = credit_lane(slot, size);
    return uncounted;
}

/* The default order is not enough either, nor does it have to be: see tm__retire_if_empty(). */
static inline void retire_orphan(uint32_t number)
{
    if (tm__state_in(atomic_load(&tm__slot_at(number)->identity.generation_state)) == TM__ORPHAN)
        tm__retire_if_empty(number);
}

/* True if count_consumed() is to follow: last, since a slot that became free may be what the caller needs. */
static inline bool credit(uint32_t number, size_t size)
{
    bool uncounted = credit_counters(number, size);
    retire_orphan(number);
    return uncounted;
}

enum tm__credited tm__credit_counters(uint32_t number, size_t size)
{
    return credit_counters(number, size) ? TM__UNCOUNTED : TM__COUNTED;
}

static __attribute__((noinline)) void credit_and_record(uint32_t number, size_t size)
{
    uint64_t owner = tm__flow_owner(tm__slot_at(number), size);
    if (!credit(number, size))
        return;
    count_remote_free(size);
    tm__count_flow(owner, size);
}

void tm__credit(uint32_t number, size_t size)
{
    if (__builtin_expect(atomic_load_explicit(&tm__flow_is_on, memory_order_relaxed), 0))
        credit_and_record(number, size);
    else if (credit(number, size))
        count_remote_free(size);
}

uint64_t tm__credited_owner(const struct tm__block *block)
{
    bool is_on = atomic_load_explicit(&tm__flow_is_on, memory_order_relaxed);
    return is_on ? tm__flow_owner(tm__slot_at(block->slot), block->size) : 0;
}

void tm__finish_credit(const struct tm__block *block, uint64_t owner, enum tm__credited credited)
{
    if (credited == TM__NOT_YET)
        credited = tm__credit_counters(block->slot, block->size);
    retire_orphan(block->slot);
    if (credited == TM__COUNTED)
        return;
    count_remote_free(block->size);
    if (atomic_load_explicit(&tm__flow_is_on, memory_order_relaxed))
        tm__count_flow(owner, block->size);
}
