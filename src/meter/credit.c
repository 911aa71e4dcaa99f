/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Crediting a freed block where the fast path cannot: a slot with many writers, a block of another thread. Of a header,
 * this file knows only the account.
 *
 * An atomic addition to a counter that has many writers is a release, as is tm__add_own() for a counter that has one:
 * slot.h says why.
 */
#include "meter/credit.h"
#include "base/backend.h"
#include "block/block.h"
#include "block/thread_cache.h"
#include "meter/attach.h"
#include "meter/early.h"
#include "meter/shared.h"
#include "state/flow.h"
#include "state/own_slots.h"
#include "state/slots.h"
#include "state/tag_table.h"

void tm__credit_own_slot(struct tm__slot *slot, size_t size)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    if (!bounds || &slot->owner == tm__thread.me) {
        tm__credit_own(&slot->owner, size);
    } else {
        struct tm__change change = tm__begin_change();
        tm__credit_own(&slot->owner, size);
        tm__end_change(change, bounds->elsewhere - size);
    }
    if (!tm__thread.bounded || &slot->owner == tm__thread.me || bounds->excess == TM__UNKNOWN)
        return;
    /* The excess above the bound shrinks by `size`. What remains of `size` is how far below the bound that leads. */
    if (bounds->excess > 0) {
        uint64_t below = size > bounds->excess ? size - bounds->excess : 0;
        bounds->excess -= size - below;
        if (bounds->excess > 0)
            return;
        bounds->most =
            bounds->elsewhere + tm__balance_of(tm__thread.me) + below; /* 0 in the overflow slot's constant */
    }
    if (tm__thread.me != &tm__overflow_owner)
        tm__exchange_watermark(bounds->tag_slot, tm__lower_watermark(bounds->tag_slot, tm__bounds_watermark(bounds)));
}

/* A thread that frees another's block attaches, so that a thread that only frees is on record, too. */
static void count_remote_free(size_t size)
{
    struct tm__owner *me = tm__thread.me;
    if (me == &tm__unattached) {
        me = tm__attach();
        /* tcmalloc, for one, gives a thread a cache when it allocates; without one each free takes a lock there. */
        tm__free_object(backend_malloc(backend_round_up(1)));
    }
    if (tm__is_shared_owner(me))
        atomic_fetch_add_explicit(&tm__slot_at(tm__shared_slot_of(me))->own.remote_frees_made_bytes, size,
                                  memory_order_release);
    else
        tm__add_own(&tm__slot_of(me)->own.remote_frees_made_bytes, size);
}

/*
 * Whether the thread that took a lane has exited. Acquired: if so, all that it added is seen. The thread gave up its
 * home slot after its last addition, and whoever has that slot now acquired it from that thread.
 */
static bool has_ended(uint64_t writer)
{
    const struct tm__identity *identity = &tm__slot_at((uint32_t)writer)->identity;
    uint64_t thread = atomic_load_explicit(&identity->thread, memory_order_acquire);
    uint64_t generation_state = atomic_load_explicit(&identity->generation_state, memory_order_acquire);
    return (uint32_t)thread != writer >> 32 || tm__state_in(generation_state) != TM__OWNED;
}

/*
 * The calling thread's lane in a home slot: one that it has already, or one that it takes now, unused or of a thread
 * that has exited. NULL if other threads have all of them.
 */
static struct tm__lane *find_lane(struct tm__slot *slot)
{
    struct tm__lane *reusable = NULL;
    uint64_t me = tm__own_writer(), last_writer = 0;
    size_t first = (size_t)(tm__first_lane(slot) - slot->lanes);
    for (size_t i = 0; i < TM__LANES; i++) {
        struct tm__lane *lane = &slot->lanes[(first + i) % TM__LANES];
        /*
         * Acquired from the swap by which that thread took it: its home slot is seen as its own, or a later thread's.
         */
        uint64_t writer = atomic_load_explicit(&lane->writer, memory_order_acquire);
        if (writer == me)
            return lane;
        if (!reusable && (writer == 0 || has_ended(writer))) {
            reusable = lane;
            last_writer = writer;
        }
    }
    /*
     * The swap decides. Memory order does not matter here: has_ended() acquired what the last writer added, and the
     * counters of an unused lane have not changed since tm__begin_lanes(), which came before the block that is freed.
     */
    return reusable && atomic_compare_exchange_strong(&reusable->writer, &last_writer, me) ? reusable : NULL;
}

/*
 * The same, in any slot. What is freed in a tag slot is also counted in the home slot, so the thread needs a lane there.
 * Then it has that lane in all tag slots of the same owner: nobody else stores its number there as long as it lives, and
 * what earlier threads added was acquired with the lane at home.
 */
static struct tm__lane *find_lanes(struct tm__slot *slot)
{
    struct tm__slot *home = tm__home_of(slot);
    struct tm__lane *at_home = find_lane(home);
    if (!at_home || home == slot)
        return at_home;
    struct tm__lane *lane = &slot->lanes[at_home - home->lanes];
    tm__store(&lane->writer, tm__own_writer());
    return lane;
}

/*
 * The same, for a thread that frees block after block of one owner: if it found no lane in a slot, it searches there
 * again only at every 64th free. A search reads cache lines that other threads write, and must wait for them.
 */
static struct tm__lane *lane_of(struct tm__slot *slot)
{
    enum { SEARCH_EACH = 64 };
    uint32_t number_plus_one = (uint32_t)(slot - tm__slot_at(0)) + 1;
    if (tm__own_writer() == 0 ||
        (tm__thread.no_lane.slot == number_plus_one && ++tm__thread.no_lane.times % SEARCH_EACH != 0))
        return NULL;
    struct tm__lane *lane = find_lanes(slot);
    tm__thread.no_lane.slot = lane ? 0 : number_plus_one & 0xffffff;
    return lane;
}

/* True if count_remote_free() has to follow; false if this has counted the remote free, too. */
static bool credit_lane(struct tm__slot *slot, size_t size)
{
    if (tm__credit_remote(slot, size))
        return false;
    struct tm__lane *lane = lane_of(slot);
    if (lane) {
        tm__thread.lane = (size_t)((char *)lane - (char *)slot); /* the next block probably has the same owner */
        tm__add_to_lane(slot, lane, size);
    } else { /* in the order of tm__add_to_lane() */
        lane = tm__first_lane(slot);
        atomic_fetch_add_explicit(&lane->shared_bytes, size, memory_order_release);
        atomic_fetch_add_explicit(&tm__home_of(slot)->thread_shared_bytes, size, memory_order_release);
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
    atomic_fetch_sub_explicit(&slot->live_bytes, size, memory_order_release);
    return uncounted;
}

/* True if count_remote_free() has to follow. */
static inline bool credit_counters(uint32_t number, size_t size)
{
    struct tm__slot *slot = tm__slot_at(number);
    bool uncounted = false;
    if (number < TM__SHARED_SLOTS)
        uncounted = credit_shared(number, size);
    else if (tm__load(&slot->identity.thread) == tm__thread.id)
        tm__credit_own_slot(slot, size);
    else {
        tm__announce_remote_free(slot);
        uncounted = credit_lane(slot, size);
    }
    return uncounted;
}

/*
 * Even a sequentially consistent load can miss that the slot has just become an orphan. That is allowed: see
 * tm__retire_if_empty().
 */
static inline void retire_orphan(uint32_t number)
{
    if (tm__state_in(atomic_load(&tm__slot_at(number)->identity.generation_state)) == TM__ORPHAN)
        tm__retire_if_empty(number);
}

/* True if count_remote_free() has to follow. That comes last, since it may need a slot, and this may have freed one. */
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
