/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Leases: while a tag is far from its limit, each thread in it has a part of what is left, and charges its blocks to
 * that without the tags' lock. When the limit is near, whoever holds the lock calls all leases back and adds up what is
 * live.
 *
 * A block is charged to a lease by one compare-and-swap of the slot's lease word, which holds the sum of all bytes that
 * were charged, too. So a thread that calls the lease back, by an atomic operation on the same word, learns at that
 * moment exactly how much of it is used; the owner's next swap fails. Nobody waits, so a signal handler that frees may
 * come at any time. The watermark could not do this: the owner compares with it and then stores, and a thread that sets
 * it to 0 in between cannot know whether a store is still to come.
 */
#ifndef TM_LEASE_H
#define TM_LEASE_H

#include "state/own_slots.h"
#include "state/slot.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The lower bits of tm__slot.lease; the rest is a number of bytes. */
enum tm__lease_state {
    TM__NO_LEASE, /* the rest: as below; or 0 */
    TM__LEASED,   /* the rest: what was charged to the slot, as allocated_bytes is, or is about to be */
    /*
     * The tag had no limit, and got one. The owner may be in the midst of a charge that it compared with its watermark,
     * which is the rest; 0: no bound is known. It is over when the owner next asks for a lease.
     */
    TM__UNPROVEN,
    TM__LEASE_SHIFT = 2,
};

static inline enum tm__lease_state tm__lease_state_in(uint64_t lease)
{
    return (enum tm__lease_state)(lease & ((1 << TM__LEASE_SHIFT) - 1));
}

/*
 * What was charged to the slot. With TM__LEASED nothing else is needed. After the lease was called back, the owner may
 * not yet have stored the sum that its last swap made, so then it is the larger of the two.
 */
static inline uint64_t tm__charged_bytes(const struct tm__slot *slot, uint64_t lease)
{
    uint64_t allocated = tm__load(&slot->owner.allocated_bytes), leased = lease >> TM__LEASE_SHIFT;
    return tm__lease_state_in(lease) == TM__UNPROVEN || allocated > leased ? allocated : leased;
}

/*
 * From now on the owner can charge to the slot only with the tags' lock, which the caller holds. Released and acquired:
 * what the owner did before it last charged is seen.
 */
static inline void tm__call_back_lease(struct tm__slot *slot)
{
    if (tm__lease_state_in(tm__load(&slot->lease)) == TM__LEASED)
        atomic_fetch_and_explicit(&slot->lease, ~(uint64_t)TM__LEASED, memory_order_acq_rel);
}

/*
 * Charges `size` bytes to the slot's lease. False, without an effect, if it has none, or if that is too small. The sum
 * is stored by an addition, so a signal handler that frees may come in between.
 */
static inline bool tm__charge_to_lease(const struct tm__tag_slot *tag_slot, size_t size)
{
    struct tm__owner *me = tag_slot->owner;
    _Atomic uint64_t *word = &tm__slot_of(me)->lease;
    uint64_t lease = tm__load(word);
    if (tm__lease_state_in(lease) != TM__LEASED ||
        (lease >> TM__LEASE_SHIFT) + size - tm__load(&me->freed_bytes) > tag_slot->lease ||
        !atomic_compare_exchange_strong_explicit(word, &lease, lease + ((uint64_t)size << TM__LEASE_SHIFT),
                                                 memory_order_acq_rel, memory_order_relaxed))
        return false;
    tm__add_own(&me->allocated_bytes, size);
    return true;
}

/* Charges a block to the lease, if no peak of the slot and no other bound of the thread has to be looked at. */
static inline bool tm__charge_leased(struct tm__owner *me, size_t size)
{
    if (!tm__thread.bounded)
        return false;
    const struct tm__tag_slot *tag_slot = tm__present_slot();
    if (!tag_slot || tm__lease_state_in(tm__load(&tm__slot_of(me)->lease)) != TM__LEASED)
        return false;
    uint64_t balance = tm__balance_of(me) + size;
    if ((int64_t)balance > tm__until_bound(tm__thread.bounds) || balance > tag_slot->watermark ||
        !tm__charge_to_lease(tag_slot, size))
        return false;
    tm__add_own(&me->allocated_blocks, 1);
    return true;
}

#endif
