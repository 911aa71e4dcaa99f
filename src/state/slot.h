/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A slot: the account that a block is charged to for the whole of its life. One writer for what the owner does, a few
 * shared lanes for frees by others, and a record of who had it. How it lies in memory is in layout.h; here is what is
 * done with it.
 *
 * Counters only grow, over all generations of a slot; a record keeps where its generation began. So nothing is moved
 * when a slot is reused, and the process total is one sum that cannot lose a byte.
 *
 * Readers take frees first and allocations last. A free is published (release) after the allocation that it follows,
 * so what a reader computes as live is never negative. An allocation is published after the frees that it follows and
 * the peak that it makes, so between two equal readings of the frees it belongs to them, and is no more than the peak.
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

static inline enum tm__slot_state tm__state_in(uint64_t life)
{
    return (enum tm__slot_state)(life & 0xff);
}

static inline uint32_t tm__generation_in(uint64_t life)
{
    return (uint32_t)(life >> 8);
}

/* Relaxed, and perhaps older than what the caller has just freed: see tm__retire_if_empty(). */
static inline bool tm__is_owned(const struct tm__slot *slot)
{
    return tm__state_in(tm__load(&slot->identity.generation_state)) == TM__OWNED;
}

/*
 * Whether a fork's child leaves the slot to the thread that is in it: it is its own, or in its hand, and a signal handler
 * that interrupted it there forked. What is in its hand and owned is another's, who was quicker, or known by its thread.
 */
static inline bool tm__survives_fork(uint32_t number, const struct tm__slot *slot)
{
    uint64_t thread = tm__load(&slot->identity.thread);
    bool is_own = thread != 0 && (thread == tm__thread.id || (uint32_t)thread == tm__thread.passing);
    return is_own || (number == tm__thread.in_hand && !tm__is_owned(slot));
}

static inline struct tm__slot *tm__slot_of(const struct tm__owner *owner)
{
    return (struct tm__slot *)((uintptr_t)owner - offsetof(struct tm__slot, owner));
}

/* Another thread may set it, but only to 0. */
static inline uint64_t tm__watermark(const struct tm__owner *owner)
{
    return tm__load_own(&owner->watermark);
}

/*
 * Released, and acquired by who swaps it: see tm__tag_is_bounded(). The owner of a tag's slot only swaps, for a 0 too:
 * a store of its own on top of another thread's would leave nothing to acquire.
 */
static inline void tm__set_watermark(struct tm__owner *owner, uint64_t watermark)
{
    __atomic_store_n(&owner->watermark, watermark, __ATOMIC_RELEASE);
}

static inline void tm__swap_watermark(struct tm__owner *owner, uint64_t watermark)
{
    __atomic_exchange_n(&owner->watermark, watermark, __ATOMIC_ACQ_REL);
}

/*
 * Charges a block of 1 byte or more to the caller's own slot; false, and nothing done, where that takes more thought.
 */
static inline bool tm__charge_own(struct tm__owner *me, size_t size)
{
    uint64_t allocated = tm__load(&me->allocated_bytes) + size; /* my own, or my predecessor's: see `life` */
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

/* Acquired, a free is seen with the allocation before it. */
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

/*
 * Credits a block of a slot that one thread has, not the caller, if the caller has its first lane there, and a slot;
 * false, and nothing done, otherwise. Blocks last: whoever sees the block gone sees its bytes gone, and that it was
 * allocated. `writer` relaxed: only a thread itself writes there that it is the one, and nobody takes a lane from one that
 * lives. `thread` relaxed: its own number is there only if it put it there; which of the others' does not matter.
 */
static inline bool tm__credit_remote(struct tm__slot *slot, size_t size)
{
    struct tm__lane *lane = tm__first_lane(slot);
    if (__builtin_expect(tm__load(&lane->writer) != tm__thread.writer, 0) ||
        __builtin_expect(tm__load(&slot->identity.thread) == tm__thread.id,
                         0)) /* for a tag, but another had it before */
        return false;
    tm__add_own(&tm__slot_of(tm__thread.me)->own.remote_frees_made_bytes, size);
    tm__add_own(&lane->freed_bytes, size);
    tm__add_own(&lane->freed_blocks, 1);
    return true;
}

/* Relaxed: the caller's own counters. What it allocated, less what it freed itself. */
static inline uint64_t tm__balance_of(const struct tm__owner *owner)
{
    return tm__load(&owner->allocated_bytes) - tm__load(&owner->freed_bytes);
}

#endif
