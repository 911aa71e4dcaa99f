/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Charging a block where the fast path cannot: a new peak, a thread without a slot, a slot with many writers, limits.
 * Of a header, this file knows only the account.
 */
#include "meter/charge.h"
#include "block/block.h"
#include "meter/attach.h"
#include "meter/bounds.h"
#include "meter/credit.h"
#include "meter/early.h"
#include "meter/lease.h"
#include "meter/peak.h"
#include "meter/shared.h"

#include <assert.h>
#include <errno.h>

static uint32_t charge_shared(const struct tm__owner *shared, size_t size)
{
    uint32_t number = tm__shared_slot_of(shared);
    if (shared == &tm__early_owner)
        tm__charge_early(size);
    else
        tm__charge_sum_shared(number, size, 1);
    return number;
}

/* For a thread that is bounded. */
static __attribute__((noinline)) uint32_t charge_in_bounds(size_t size, const struct tm__block *replaced,
                                                           bool refusable)
{
    struct tm__owner *me = tm__thread.me;
    uint64_t allocated = tm__load(&me->allocated_bytes) + size;
    uint64_t owner = replaced ? tm__credited_owner(replaced) : 0;
    enum tm__credited credited = TM__NOT_YET;
    if (!tm__check_limits(size, replaced, refusable, &credited)) {
        errno = ENOMEM;
        return TM__NO_SLOT;
    }
    tm__store_release(&me->allocated_bytes, allocated); /* tm__tag_admits() may have stored the same already */
    tm__add_own(&me->allocated_blocks, 1);
    if (replaced)
        tm__finish_credit(replaced, owner, credited);
    if (tm__thread.bounds->calls != 0)
        tm__call_soft_limits();
    return tm__slot_in(me->account);
}

static inline uint32_t charge(size_t size, bool refusable)
{
    struct tm__owner *me = tm__thread.me;
    if (me == &tm__unattached)
        me = tm__attach();
    if (tm__is_shared_owner(me))
        return charge_shared(me, size);

    uint64_t allocated = tm__load(&me->allocated_bytes) + size;
    uint64_t balance = allocated - tm__load(&me->freed_bytes);
    if (balance > tm__watermark(me)) {
        if (__builtin_expect(tm__thread.bounded, 0))
            return tm__charge_leased(me, size) ? tm__slot_in(me->account) : charge_in_bounds(size, NULL, refusable);
        tm__look_for_peak(me, balance);
        if (tm__tail)
            tm__set_watermark(me, 0); /* the fast path writes no tails, so no block may take it */
    }
    tm__store_release(&me->allocated_bytes, allocated);
    tm__add_own(&me->allocated_blocks, 1);
    return tm__slot_in(me->account);
}

uint32_t tm__charge(size_t size)
{
    return charge(size, false);
}

uint32_t tm__try_charge(size_t size)
{
    return charge(size, true);
}

uint32_t tm__exchange(size_t size, const struct tm__block *replaced)
{
    if (tm__thread.bounded && !tm__is_shared_owner(tm__thread.me))
        return charge_in_bounds(size, replaced, true);
    tm__credit(replaced->slot, replaced->size);
    return charge(size, true);
}
