/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/own_slots.h"
#include "base/kernel.h"
#include "state/pages.h"
#include "state/settled.h"
#include "state/slots.h"
#include "state/tag_table.h"

#include <errno.h>
#include <sys/mman.h>

uint32_t tm__count_own_slots(void)
{
    return tm__thread.home ? 1 + tm__count_tag_slots(tm__own_tag_slots()) : 0;
}

struct tm__slot *tm__own_slot(uint32_t number)
{
    return tm__slot_of(number == 0 ? tm__thread.home : tm__own_tag_slots()->tag_slots[number].owner);
}

/*
 * What the slot's lanes held when the thread took it; for its home slot that is in tm__thread_remote_freed_bytes(), too.
 */
static uint64_t lanes_before(uint32_t number, const struct tm__slot *slot)
{
    return number == 0 ? 0 : tm__since_totals(slot).remote_frees_received_bytes;
}

uint64_t tm__recount_elsewhere(void)
{
    struct tm__change change = tm__begin_change();
    change.was_known = true;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < tm__count_own_slots(); i++) {
        const struct tm__slot *slot = tm__own_slot(i);
        sum += (&slot->owner == tm__thread.me ? 0 : tm__balance_of(&slot->owner)) - lanes_before(i, slot);
    }
    tm__end_change(change, sum);
    return sum;
}

void tm__own_slots_after_fork(void)
{
    uint64_t sum = 0;
    if (!tm__thread.home)
        return;
    for (uint32_t i = 0; i < tm__count_own_slots(); i++) {
        struct tm__slot *slot = tm__own_slot(i);
        tm__announce_remote_free(slot);
        sum += tm__remote_freed_bytes(slot) - lanes_before(i, slot);
    }
    tm__begin_thread_lanes(tm__own_slot(0), sum);
}

/* A signal handler may have made them in the meantime. Relaxed: only the thread itself uses them. */
struct tm__bounds *tm__open_bounds(void)
{
    if (tm__thread.bounds)
        return tm__thread.bounds;
    struct tm__bounds *none = NULL;
    struct tm__tag_slots *all =
        tm__sys_mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    if (tm__sys_failed(all))
        return NULL;
    tm__avoid_huge_pages(all, sizeof *all);
    /* Memory order does not matter here: the thread has no tags yet, so none of its tags can have ended. */
    all->ended = atomic_load(&tm__tags_ended);
    all->tag_slots[0].owner = tm__thread.home;
    all->bounds.tag_slot = &all->tag_slots[0];
    if (!__atomic_compare_exchange_n(&tm__thread.bounds, &none, &all->bounds, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        tm__sys_munmap(all, sizeof *all);
    return tm__thread.bounds;
}

void tm__leave_tag_slots(void)
{
    struct tm__tag_slots *all = tm__own_tag_slots();
    if (!all)
        return;
    for (uint32_t left = tm__count_tag_slots(all); left > 0; left--) {
        struct tm__slot *slot = tm__slot_of(all->tag_slots[left].owner);
        uint32_t number = tm__slot_in(slot->owner.account), outer = tm__thread.slot_in_transit;
        bool is_spare = all->tag_slots[left].tag == 0;
        tm__keep_thread_peak(slot);
        /*
         * A signal handler may fork here. So before another thread can get the slot, it is the slot in transit, and no
         * longer among the thread's own.
         */
        tm__thread.slot_in_transit = number;
        atomic_signal_fence(memory_order_seq_cst);
        atomic_store_explicit(&all->count, left - 1, memory_order_relaxed);
        if (is_spare)
            tm__give_slot(number);
        else
            tm__leave_slot(number);
        atomic_signal_fence(memory_order_seq_cst);
        tm__thread.slot_in_transit = outer;
    }
    tm__thread.bounded = false;
    atomic_signal_fence(memory_order_seq_cst); /* before bounds is NULL, since a signal handler may free */
    tm__thread.bounds = NULL;
    tm__sys_munmap(all, sizeof *all);
}
