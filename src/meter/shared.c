/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter/shared.h"
#include "state/slot.h"

/* Relaxed: the allocation, which is added afterwards, publishes the peak. */
static void raise_peak(_Atomic uint64_t *peak, uint64_t live)
{
    uint64_t old = tm__load(peak);
    while (live > old &&
           !atomic_compare_exchange_weak_explicit(peak, &old, live, memory_order_relaxed, memory_order_relaxed))
        ;
}

void tm__charge_sum_shared(uint32_t number, uint64_t bytes, uint64_t blocks)
{
    struct tm__slot *slot = tm__slot_at(number);
    struct tm__owner *owner = &slot->owner;
    /* Acquires the frees that live_bytes has been reduced by; the allocation then publishes them, too. */
    uint64_t live = atomic_fetch_add_explicit(&slot->live_bytes, bytes, memory_order_acquire) + bytes;
    raise_peak(&slot->identity.peak_bytes, live);
    atomic_fetch_add_explicit(&owner->allocated_bytes, bytes, memory_order_release);
    atomic_fetch_add_explicit(&owner->allocated_blocks, blocks, memory_order_release);
}

void tm__credit_sum_shared(uint32_t number, uint64_t bytes, uint64_t blocks)
{
    struct tm__slot *slot = tm__slot_at(number);
    atomic_fetch_add_explicit(&slot->owner.freed_bytes, bytes, memory_order_release);
    atomic_fetch_add_explicit(&slot->owner.freed_blocks, blocks, memory_order_release);
    atomic_fetch_sub_explicit(&slot->live_bytes, bytes, memory_order_release); /* see the acquire above */
}
