/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter/tag_limits.h"
#include "block/block.h"
#include "meter/lease.h"
#include "meter/soft_limit.h"
#include "state/tag_table.h"

struct sums {
    uint64_t live;     /* never below what is live */
    uint64_t reserved; /* the same, with what unproven slots may be about to charge */
    uint64_t slots;
    bool unknown; /* nobody knows what an unproven slot is about to charge */
};

/* For a slot whose owner may be in the midst of a charge. */
static __attribute__((noinline)) void add_unproven(struct sums *sums, const struct tm__slot *slot, uint64_t lease,
                                                   uint64_t live, uint64_t remote)
{
    uint64_t watermark = lease >> TM__LEASE_SHIFT;
    if (!tm__is_owned(slot))
        return;
    if (watermark == 0)
        sums->unknown = true;
    if (watermark > live + remote)
        sums->reserved += watermark - remote - live;
}

/* All, before anything is added up: a thread may free a block that was counted, and charge another to its lease. */
static void call_back_leases(struct tm__tag_use *use)
{
    if (!use->leased)
        return;
    for (uint32_t number = use->first_slot; number != 0; number = tm__slot_at(number)->next_of_tag)
        tm__call_back_lease(tm__slot_at(number));
    use->leased = false;
}

/*
 * With no lease left, nobody else charges to a slot of the tag, except for charges that were under way when the tag got
 * its first limit. Of each slot, frees are read before allocations, and acquired; so the sum may be above what is live
 * at any moment only because of those charges, and because blocks are freed.
 */
static struct sums add_up(const struct tm__tag_use *use)
{
    struct sums sums = {0};
    for (uint32_t number = use->first_slot; number != 0; number = tm__slot_at(number)->next_of_tag) {
        const struct tm__slot *slot = tm__slot_at(number);
        uint64_t lease = tm__load(&slot->lease);
        uint64_t freed = atomic_load_explicit(&slot->owner.freed_bytes, memory_order_acquire);
        uint64_t remote = tm__remote_freed_bytes(slot), live = tm__charged_bytes(slot, lease) - freed - remote;
        sums.live += live;
        sums.reserved += live;
        if (tm__lease_state_in(lease) == TM__UNPROVEN)
            add_unproven(&sums, slot, lease, live, remote);
        sums.slots++;
    }
    return sums;
}

/*
 * With the lock held: charges to the caller's slot, which from now on has a lease for what its balance still lacks to
 * `most`. Its owner is the caller, so nobody else changes the lease word meanwhile.
 */
static void charge_and_lease(struct tm__tag_use *use, size_t size, uint64_t most)
{
    struct tm__owner *me = tm__thread.me;
    uint64_t allocated = tm__load(&me->allocated_bytes) + size;
    struct tm__tag_slot *tag_slot = tm__present_slot();
    enum tm__lease_state state = tag_slot && most > tm__balance_of(me) + size ? TM__LEASED : TM__NO_LEASE;
    if (state == TM__LEASED) {
        tag_slot->lease = most;
        use->leased = true;
    }
    tm__store_release(&me->allocated_bytes, allocated);
    tm__store_release(&tm__slot_of(me)->lease, allocated << TM__LEASE_SHIFT | state);
}

/*
 * Charges, and extends the caller's lease, if the room that was left at the last sum suffices for both. What the slot
 * has reserved is its balance, or its lease if that is higher, less remote frees; these only grow, so they never make
 * the room too large.
 */
static bool charge_to_room(struct tm__tag_use *use, size_t size)
{
    if (use->share == 0)
        return false;
    const struct tm__owner *me = tm__thread.me;
    const struct tm__tag_slot *tag_slot = tm__present_slot();
    uint64_t balance = tm__balance_of(me), reserved = balance, lease = tm__load(&tm__slot_of(me)->lease);
    if (tag_slot && tm__lease_state_in(lease) == TM__LEASED && tag_slot->lease > balance)
        reserved = tag_slot->lease;
    uint64_t needed = balance + size > reserved ? balance + size + use->share : reserved;
    if (needed - reserved > use->room)
        return false;
    use->room -= needed - reserved;
    charge_and_lease(use, size, needed);
    return true;
}

/* Up to which sum nothing has to be looked at; 0: each block has to be. */
static uint64_t lowest_limit(const struct tm__tag_use *use, uint64_t limit)
{
    if (use->soft.bytes == 0)
        return limit;
    if (use->soft.passed) /* who frees may bring live bytes well below it, and only a sum tells */
        return 0;
    return limit != 0 && limit < use->soft.bytes ? limit : use->soft.bytes;
}

/*
 * Half of the room is for leases of all slots, the other half for those that have used up theirs. So the next sum comes
 * after as many leases as there are slots, at least, however large it is. Leases that are soon used up are not worth
 * the trouble of calling them back.
 */
static void share_room(struct tm__tag_use *use, uint64_t limit, const struct sums *sums, size_t size)
{
    enum { BLOCKS = 8 };
    uint64_t lowest = lowest_limit(use, limit), reserved = sums->reserved + size;
    uint64_t room = !sums->unknown && lowest > reserved ? lowest - reserved : 0;
    if (room / (2 * BLOCKS) < size * sums->slots) /* a block of `size` exists, so this is below 2^64 */
        return;
    use->share = room / 2 / sums->slots;
    use->room = room - use->share;
}

bool tm__tag_admits(tm_tag number, size_t size, const struct tm__block *replaced, bool refusable, bool *bounded,
                    enum tm__credited *credited)
{
    struct tm__tag_use *use = tm__tag_use_of(number);
    *bounded = tm__tag_is_bounded(number);
    if (!*bounded)
        return true;
    /* Memory order does not matter here: the slot got its tag before the block, which the caller has. */
    bool same_tag = replaced && atomic_load(&tm__slot_at(replaced->slot)->identity.tag) == (uint32_t)number;
    const struct tm__tag_slot *tag_slot = tm__present_slot();
    if (!same_tag && tag_slot && tm__charge_to_lease(tag_slot, size))
        return true;
    /* If access is denied, a signal handler interrupted this thread while it has the lock: it may still read. */
    enum tm__access access = tm__access_tags();
    bool admitted = access != TM__DENIED && charge_to_room(use, size);
    if (!admitted) {
        uint64_t freed = same_tag ? replaced->size : 0, limit = tm__limit_of(number);
        call_back_leases(use);
        struct sums sums = add_up(use);
        uint64_t live = sums.live + size - freed;
        use->room = use->share = 0;
        admitted = !refusable || limit == 0 || live <= limit || size <= freed;
        if (admitted && access != TM__DENIED) {
            if (tm__soft_limit_crossed(&use->soft, live - size + freed, live)) {
                tm__thread.bounds->calls |= TM__CALL_TAG;
                tm__thread.bounds->tag_soft = use->soft;
            }
            share_room(use, limit, &sums, size);
        }
        if (admitted)
            charge_and_lease(use, size, tm__balance_of(tm__thread.me) + size + use->share);
    }
    if (admitted && same_tag)
        *credited = tm__credit_counters(replaced->slot, replaced->size);
    tm__end_tags(access);
    return admitted;
}

void tm__bound_tag(const struct tm__tag *tag, struct tm__tag_use *use)
{
    bool bounded = tm__load(&tag->limit) != 0 || use->soft.bytes != 0;
    bool was_bounded = atomic_load_explicit(&use->bounded, memory_order_relaxed); /* written with the lock held */
    atomic_store_explicit(&use->bounded, bounded, memory_order_relaxed);          /* published by the watermarks */
    use->room = use->share = 0;
    call_back_leases(use);
    for (uint32_t number = bounded ? use->first_slot : 0; number != 0; number = tm__slot_at(number)->next_of_tag) {
        struct tm__slot *slot = tm__slot_at(number);
        uint64_t watermark = tm__swap_watermark(&slot->owner, 0);
        if (!was_bounded)
            tm__store(&slot->lease, watermark << TM__LEASE_SHIFT | TM__UNPROVEN);
    }
}
