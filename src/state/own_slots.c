/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/own_slots.h"
#include "base/kernel.h"
#include "state/pages.h"
#include "state/slots.h"
#include "state/tag_table.h"

#include <errno.h>
#include <sys/mman.h>

static uint64_t live_in(const struct tm__owner *owner)
{
    return tm__balance_of(owner) - tm__own_remote_freed_bytes(tm__slot_of(owner));
}

uint32_t tm__count_own_slots(void)
{
    return tm__thread.home ? 1 + tm__count_tag_slots(tm__own_tag_slots()) : 0;
}

struct tm__slot *tm__own_slot(uint32_t number)
{
    return tm__slot_of(number == 0 ? tm__thread.home : tm__own_tag_slots()->tag_slots[number].owner);
}

uint64_t tm__live_in_own_slots(const struct tm__owner *except)
{
    uint64_t live = 0;
    for (uint32_t i = 0; i < tm__count_own_slots(); i++) {
        const struct tm__owner *owner = &tm__own_slot(i)->owner;
        live += owner != except ? live_in(owner) : 0;
    }
    return live;
}

void tm__own_slots_after_fork(void)
{
    for (uint32_t i = 0; i < tm__count_own_slots(); i++)
        tm__announce_remote_free(tm__own_slot(i));
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
