/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A slot: the account that a block is charged to as long as it lives. It has counters that only the owner writes, a few
 * lanes for remote frees, and an identity, which says whose it is. layout.h says how it is stored; here is what is done
 * with it.
 *
 * Counters only grow, over all generations of a slot; the identity keeps where its generation began. So nothing is
 * moved when a slot is reused, and the process's total is one sum that cannot lose a byte.
 *
 * Readers load frees first and allocations last. A free is published (release) after the allocation that it follows, so
 * the live bytes that a reader computes are never negative. An allocation is published after the frees before it and
 * after the peak that it makes. So if a reader loads the frees twice and finds them equal, then the allocations in
 * between belong to them, and live bytes are not above the peak.
 */
#ifndef TM_SLOT_H
#define TM_SLOT_H

#include "base/counter.h"
#include "state/region.h"
#include "state/thread.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

static inline enum tm__slot_state tm__state_in(uint64_t generation_state)
{
    return (enum tm__slot_state)(generation_state & 0xff);
}

static inline uint32_t tm__generation_in(uint64_t generation_state)
{
    return (uint32_t)(generation_state >> 8);
}

/* Relaxed: the result may be older than what the caller has just freed, see tm__retire_if_empty(). */
static inline bool tm__is_owned(const struct tm__slot *slot)
{
    return tm__state_in(tm__load(&slot->identity.generation_state)) == TM__OWNED;
}

/*
 * Whether the slot still belongs to its thread in a fork's child: it is one of the child's thread, or the slot in
 * transit if a signal handler forked while the thread took, gave back or freed it. If the slot in transit is owned,
 * then another thread was faster and has it, or the slot is found by its thread's number.
 */
static inline bool tm__survives_fork(uint32_t number, const struct tm__slot *slot)
{
    uint64_t thread = tm__load(&slot->identity.thread);
    bool is_own = thread != 0 && (thread == tm__thread.id || (uint32_t)thread == tm__thread.id_in_transit);
    return is_own || (number == tm__thread.slot_in_transit && !tm__is_owned(slot));
}

static inline struct tm__slot *tm__slot_of(const struct tm__owner *owner)
{
    return (struct tm__slot *)((uintptr_t)owner - offsetof(struct tm__slot, owner));
}

/* Another thread may set the watermark, but only to 0. */
static inline uint64_t tm__watermark(const struct tm__owner *owner)
{
    return tm__load_own(&owner->watermark);
}

/*
 * Release, for the thread that exchanges it (acquire): see tm__tag_is_bounded(). The owner of a tag slot only exchanges
 * it, even for 0: if it stored over another thread's 0, there would be nothing to acquire.
 */
static inline void tm__set_watermark(struct tm__owner *owner, uint64_t watermark)
{
    __atomic_store_n(&owner->watermark, watermark, __ATOMIC_RELEASE);
}

static inline uint64_t tm__swap_watermark(struct tm__owner *owner, uint64_t watermark)
{
    return __atomic_exchange_n(&owner->watermark, watermark, __ATOMIC_ACQ_REL);
}

/* Charges a block of at least 1 byte to the caller's own slot. False, without an effect, if the slow path is needed. */
static inline bool tm__charge_own(struct tm__owner *me, size_t size)
{
    /* Stored by me, or by an earlier owner: see tm__identity. */
    uint64_t allocated = tm__load(&me->allocated_bytes) + size;
    if (__builtin_expect(allocated - tm__load(&me->freed_bytes) > tm__watermark(me), 0))
        return false;
    tm__store_release(&me->allocated_bytes, allocated);
    tm__add_own(&me->allocated_blocks, 1);
    return true;
}

static inline void tm__credit_own(struct tm__owner *me, size_t size)
{
    tm__add_own(&me->freed_bytes, size);
    tm__add_own(&me->freed_blocks, 1);
}

/* Acquire: a reader that sees a free also sees the allocation before it. */
static inline uint64_t tm__lane_bytes(const struct tm__lane *lane)
{
    return atomic_load_explicit(&lane->freed_bytes, memory_order_acquire) +
           atomic_load_explicit(&lane->shared_bytes, memory_order_acquire);
}

static inline uint64_t tm__lane_blocks(const struct tm__lane *lane)
{
    return atomic_load_explicit(&lane->freed_blocks, memory_order_acquire) +
           atomic_load_explicit(&lane->shared_blocks, memory_order_acquire);
}

/* The lane that the calling thread tries first. */
static inline struct tm__lane *tm__first_lane(struct tm__slot *slot)
{
    return (struct tm__lane *)((char *)slot + tm__thread.lane);
}

static inline struct tm__slot *tm__home_of(struct tm__slot *slot)
{
    return (struct tm__slot *)((char *)slot + slot->identity.to_home);
}

/*
 * Adds a remote free to the caller's lane. Blocks come last: a reader that does not see the block any more also sees
 * that its bytes are freed, and that it was allocated; and until then the slot is not empty, so its home slot cannot
 * get another thread, see tm__give_slot(). The bytes come first: a thread that finds them in the sum of all its slots
 * finds them in the slot, too, see has_bounds().
 */
static inline void tm__add_to_lane(struct tm__slot *slot, struct tm__lane *lane, size_t size)
{
    struct tm__lane *at_home = (struct tm__lane *)((char *)lane + slot->identity.to_home);
    tm__add_own(&lane->freed_bytes, size);
    tm__add_own(&at_home->thread_freed_bytes, size);
    tm__add_own(&lane->freed_blocks, 1);
}

/*
 * Credits a block of another thread's slot, if the caller has a slot, and has its first lane there. Otherwise false,
 * without an effect. `writer` is relaxed: only the thread itself stores its own number there, nobody takes a lane from
 * a thread that lives, and tm__begin_lanes() came before the block. No thread has a lane in its own slots.
 */
static inline bool tm__credit_remote(struct tm__slot *slot, size_t size)
{
    struct tm__lane *lane = tm__first_lane(slot);
    if (__builtin_expect(tm__load(&lane->writer) != tm__thread.writer, 0))
        return false;
    tm__add_own(&tm__slot_of(tm__thread.me)->own.remote_frees_made_bytes, size);
    tm__add_to_lane(slot, lane, size);
    return true;
}

/* What the owner allocated, minus what it freed itself. Relaxed: the counters are the caller's own. */
static inline uint64_t tm__balance_of(const struct tm__owner *owner)
{
    return tm__load(&owner->allocated_bytes) - tm__load_own((const uint64_t *)&owner->freed_bytes);
}

/*
 * What other threads have freed of this slot's blocks. It may grow at any moment, and never shrinks. Acquired, so that
 * the next allocation publishes it: a reader that sees the allocation also sees the frees its peak was computed from.
 */
static inline uint64_t tm__remote_freed_bytes(const struct tm__slot *slot)
{
    const struct tm__lane *lanes = slot->lanes;
    static_assert(TM__LANES == 4, "written out, because compilers do not unroll the loop");
    return tm__lane_bytes(&lanes[0]) + tm__lane_bytes(&lanes[1]) + tm__lane_bytes(&lanes[2]) +
           tm__lane_bytes(&lanes[3]);
}

/*
 * To be called before a remote free is counted where that cannot be the fast path's: a thread that has a lane has called
 * this before, since tm__begin_lanes() leaves nobody a lane. Released and acquired: where the slot's is announced, that
 * of its home slot is, too.
 */
static inline void tm__announce_remote_free(struct tm__slot *slot)
{
    if (atomic_load_explicit(&slot->lanes_at_start, memory_order_acquire) == TM__UNKNOWN)
        return;
    tm__store(&tm__home_of(slot)->lanes_at_start, TM__UNKNOWN);
    tm__store_release(&slot->lanes_at_start, TM__UNKNOWN);
}

/*
 * The same as tm__remote_freed_bytes(), for the slot's owner. Nearly always nobody has freed a block of the slot, and
 * then the lanes need not be read.
 *
 * Relaxed, and exact: only remote frees may be missed that race with the caller, as when it loads the lanes themselves.
 * If a free happened before this load (by whatever told the caller of it), then the announcement, which the same thread
 * stored before, did so too, and a load cannot return what was there before that. No later store undoes it while the
 * slot has blocks: tm__begin_lanes() is called only while it has none, by its owner. And what the lanes held at the
 * start they hold still. So live bytes are never computed too low, and too high only by a free that is not done yet.
 *
 * A fork's child may find a free counted, but not announced, since its memory is copied piece by piece: see
 * tm__own_slots_after_fork().
 */
static inline uint64_t tm__own_remote_freed_bytes(const struct tm__slot *slot)
{
    uint64_t at_start = tm__load(&slot->lanes_at_start);
    return __builtin_expect(at_start != TM__UNKNOWN, 1) ? at_start : tm__remote_freed_bytes(slot);
}

/*
 * What other threads have freed in all slots of the thread with this home slot, for that thread: what it holds there
 * less this is live. In order that the cost does not grow with the number of tags, each remote free is counted in the
 * home slot, too. Begins at what the lanes of the home slot hold when the thread takes it.
 */
static inline uint64_t tm__thread_remote_freed_bytes(const struct tm__slot *home)
{
    uint64_t at_start = tm__load(&home->lanes_at_start);
    if (__builtin_expect(at_start != TM__UNKNOWN, 1))
        return at_start;
    uint64_t sum = atomic_load_explicit(&home->thread_shared_bytes, memory_order_acquire);
    for (int i = 0; i < TM__LANES; i++)
        sum += atomic_load_explicit(&home->lanes[i].thread_freed_bytes, memory_order_acquire);
    return sum;
}

static inline uint64_t tm__remote_freed_blocks(const struct tm__slot *slot)
{
    const struct tm__lane *lanes = slot->lanes;
    return tm__lane_blocks(&lanes[0]) + tm__lane_blocks(&lanes[1]) + tm__lane_blocks(&lanes[2]) +
           tm__lane_blocks(&lanes[3]);
}

#endif
