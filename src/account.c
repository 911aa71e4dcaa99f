/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Charging and crediting where the fast path cannot: a new peak, a thread without a slot, a slot with many writers, a
 * block of another thread. Of a header it knows only the account word.
 */
#include "block.h"
#include "slot.h"

#include <assert.h>

const struct tm__owner tm__unattached = {.free_key = TM__NO_KEY}, tm__late_guest = {.free_key = TM__NO_KEY},
                       tm__overflow_guest = {.free_key = TM__NO_KEY};

_Thread_local struct tm__owner *tm__me __attribute__((tls_model("initial-exec"))) = (struct tm__owner *)&tm__unattached;

static struct tm__slot *slot_of(const struct tm__owner *owner)
{
    return (struct tm__slot *)((uintptr_t)owner - offsetof(struct tm__slot, owner));
}

/* Relaxed: the allocation publishes it. */
static void raise_peak(_Atomic uint64_t *peak, uint64_t live)
{
    uint64_t old = tm__get(peak);
    while (live > old &&
           !atomic_compare_exchange_weak_explicit(peak, &old, live, memory_order_relaxed, memory_order_relaxed))
        ;
}

static uint32_t charge_shared(uint32_t number, size_t size)
{
    struct tm__slot *slot = tm__slot_at(number);
    struct tm__owner *owner = &slot->owner;
    /* Acquires the frees that are off live_bytes already, and publishes them with the allocation. */
    uint64_t live = atomic_fetch_add_explicit(&slot->record.live_bytes, size, memory_order_acquire) + size;
    raise_peak(&slot->record.peak_bytes, live);
    atomic_fetch_add_explicit(&owner->allocated_bytes, size, memory_order_release);
    atomic_fetch_add_explicit(&owner->allocated_blocks, 1, memory_order_release);
    return number;
}

/*
 * What others have freed of this slot's blocks. Grows at any moment, never shrinks. Acquired, to be published with the
 * allocation: who sees that sees what its peak was reckoned with.
 */
static uint64_t freed_by_others(const struct tm__owner *me)
{
    const struct tm__slot *slot = slot_of(me);
    uint64_t bytes = 0;
    for (int i = 0; i < TM__LANES; i++)
        bytes += tm__lane_bytes(&slot->others[i]);
    return bytes;
}

uint32_t tm__charge(size_t size)
{
    struct tm__owner *me = tm__me;
    if (me == &tm__unattached)
        me = tm__attach();
    if (me == &tm__late_guest)
        return charge_shared(TM__LATE_SLOT, size);
    if (me == &tm__overflow_guest)
        return charge_shared(TM__OVERFLOW_SLOT, size);

    uint64_t allocated = tm__get(&me->allocated_bytes) + size;
    uint64_t balance = allocated - tm__get(&me->freed_bytes);
    if (balance > me->watermark) {
        uint64_t others = freed_by_others(me);
        _Atomic uint64_t *peak = &slot_of(me)->record.peak_bytes;
        if (balance - others > tm__get(peak))
            tm__publish(peak, balance - others);
        /* Frees by others only grow: until the balance passes this, live bytes cannot pass the peak. */
        me->watermark = tm__tail ? 0 : tm__get(peak) + others; /* a block with a tail is larger than the fast path's */
    }
    tm__publish(&me->allocated_bytes, allocated);
    tm__add_own(&me->allocated_blocks, 1);
    return tm__slot_in(me->account);
}

/* The lane that the thread has, has had, or now takes; NULL if others have them all. */
static struct tm__lane *find_lane(struct tm__slot *slot, uintptr_t thread)
{
    struct tm__lane *first = tm__lane_of(slot, thread);
    for (ptrdiff_t i = 0; i < TM__LANES; i++) {
        struct tm__lane *lane = &slot->others[(first - slot->others + i) % TM__LANES];
        uintptr_t writer = atomic_load_explicit(&lane->writer, memory_order_relaxed); /* the swap decides */
        if (writer == thread || (writer == 0 && atomic_compare_exchange_strong(&lane->writer, &writer, thread)))
            return lane;
    }
    return NULL;
}

static void credit_lane(struct tm__slot *slot, size_t size)
{
    if (tm__credit_other(slot, size))
        return;
    uintptr_t thread = (uintptr_t)__builtin_thread_pointer();
    struct tm__lane *lane = find_lane(slot, thread + !tm__frees_fast());
    if (lane) {
        tm__add_own(&lane->freed_bytes, size);
        tm__add_own(&lane->freed_blocks, 1);
    } else {
        lane = tm__lane_of(slot, thread);
        atomic_fetch_add_explicit(&lane->shared_bytes, size, memory_order_release);
        atomic_fetch_add_explicit(&lane->shared_blocks, 1, memory_order_release);
    }
}

static void credit_shared(uint32_t number, size_t size)
{
    struct tm__slot *slot = tm__slot_at(number);
    const struct tm__owner *guest = number == TM__LATE_SLOT ? &tm__late_guest : &tm__overflow_guest;
    if (tm__me == guest) {
        atomic_fetch_add_explicit(&slot->owner.freed_bytes, size, memory_order_release);
        atomic_fetch_add_explicit(&slot->owner.freed_blocks, 1, memory_order_release);
    } else {
        credit_lane(slot, size);
    }
    atomic_fetch_sub_explicit(&slot->record.live_bytes, size, memory_order_release); /* see charge_shared() */
}

void tm__credit(uint32_t number, size_t size)
{
    if (number < TM__SHARED_SLOTS) {
        credit_shared(number, size);
        return;
    }
    struct tm__slot *slot = tm__slot_at(number);
    if (&slot->owner == tm__me) {
        tm__credit_own(tm__me, size);
        return;
    }
    credit_lane(slot, size);
    if (tm__life_in(atomic_load(&slot->record.life)) == TM__ORPHAN)
        tm__retire_if_empty(number);
}
