/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading totals: sums over lanes, less what earlier generations had. Frees are read before the allocations that they
 * follow, so that no difference is ever negative; and again after them, so that it is seldom too high. If a slot's
 * generation or state changed meanwhile, it is read again.
 */
#define _GNU_SOURCE
#include "api/totals.h"
#include "state/identity.h"
#include "state/slots.h"
#include "threadmeter/totals.h"
#include "block/block.h"
#include "state/names.h"
#include "state/own_slots.h"
#include "state/settled.h"
#include "state/slot.h"
#include "state/tag_table.h"

#include <errno.h>
#include <string.h>

static uint64_t acquire(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_acquire);
}

static void add_own_frees(const struct tm__slot *slot, struct tm_totals *sum)
{
    sum->freed_blocks = sum->remote_frees_received_blocks + acquire(&slot->owner.freed_blocks);
    sum->freed_bytes = sum->remote_frees_received_bytes + acquire(&slot->owner.freed_bytes);
}

static void read_frees(const struct tm__slot *slot, struct tm_totals *sum)
{
    sum->remote_frees_received_blocks = sum->remote_frees_received_bytes = 0;
    for (int i = 0; i < TM__LANES; i++) {
        sum->remote_frees_received_blocks += tm__lane_blocks(&slot->lanes[i]);
        sum->remote_frees_received_bytes += tm__lane_bytes(&slot->lanes[i]);
    }
    add_own_frees(slot, sum);
}

/* The same for a slot of the caller's, whose lanes need not be read if nobody has used them since it was taken. */
static void read_frees_of_own(const struct tm__slot *slot, struct tm_totals *sum)
{
    if (tm__load(&slot->lanes_at_start) == TM__UNKNOWN) {
        read_frees(slot, sum);
        return;
    }
    sum->remote_frees_received_blocks = tm__load(&slot->identity.before.remote_frees_received_blocks);
    sum->remote_frees_received_bytes = tm__load(&slot->identity.before.remote_frees_received_bytes);
    add_own_frees(slot, sum);
}

static void read_allocations(const struct tm__slot *slot, struct tm_totals *sum)
{
#define READ(name) sum->name = acquire(&slot->own.name);
    TM__OWN_COUNTERS(READ)
#undef READ
    sum->allocated_blocks = acquire(&slot->owner.allocated_blocks);
    sum->allocated_bytes = acquire(&slot->owner.allocated_bytes);
    /* Acquired, because tm_process_totals() reads the peak of earlier generations after it. */
    sum->peak_bytes = acquire(&slot->identity.peak_bytes);
}

/*
 * Counters over all generations. They only grow, so if no free came in between, all are of one moment. If the slot's
 * blocks are freed without pause, the reader gives up after some attempts. Live bytes may then be read as higher than
 * they were, never as lower.
 */
static struct tm_totals read_counters(const struct tm__slot *slot)
{
    enum { ATTEMPTS = 16 };
    struct tm_totals sum, again;
    read_frees(slot, &sum);
    for (int i = 0;; i++) {
        read_allocations(slot, &sum);
        read_frees(slot, &again);
        if (i == ATTEMPTS || (again.freed_blocks == sum.freed_blocks && again.freed_bytes == sum.freed_bytes))
            return sum;
        sum = again;
    }
}

/*
 * What earlier generations had. Relaxed, as in the next function: read_slot() finds out whether all that it read is of
 * one generation.
 */
static struct tm_totals read_before(const struct tm__slot *slot)
{
    struct tm_totals before = tm__settled_totals(&slot->identity.before);
    before.peak_bytes = tm__load(&slot->before_peak_bytes);
    return before;
}

/* What the slot had before its present thread got it. The peak is that of all slots of the thread together. */
static struct tm_totals read_since(const struct tm__slot *slot)
{
    struct tm_totals since = tm__since_totals(slot);
    since.peak_bytes = tm__load(&slot->identity.thread_peak_bytes);
    return since;
}

/* A slot as it was within one generation and state. */
struct reading {
    uint64_t generation_state;
    uint64_t thread;
    pid_t tid;
    uint32_t tag;
    char name[TM__NAME];
    struct tm_totals counters;
    struct tm_totals before; /* of the generations before this one */
    struct tm_totals since;  /* of the threads before this one */
};

static struct reading read_slot(const struct tm__slot *slot)
{
    struct reading now;
    do {
        now.generation_state = acquire(&slot->identity.generation_state);
        /* Acquired: `thread` is stored after the thread's `since`, see tm__open_slot(). */
        now.thread = acquire(&slot->identity.thread);
        now.tid = atomic_load_explicit(&slot->identity.tid, memory_order_relaxed);
        now.tag = atomic_load_explicit(&slot->identity.tag, memory_order_relaxed);
        tm__copy_name(&slot->identity, now.name);
        now.counters = read_counters(slot);
        now.before = read_before(slot);
        now.since = read_since(slot);
        now.since.peak_bytes = tm__thread_peak(slot);
        atomic_thread_fence(memory_order_acquire); /* counterpart of those in tm__reset_slot() and tm__open_slot() */
    } while (tm__load(&slot->identity.generation_state) != now.generation_state);
    return now;
}

static bool is_shared(uint32_t number)
{
    return number < TM__SHARED_SLOTS;
}

/* The peak of all the thread's slots together. */
static uint64_t thread_peak(const struct tm_totals *counters, const struct tm_totals *since)
{
    return since->peak_bytes > counters->peak_bytes ? since->peak_bytes : counters->peak_bytes;
}

/* False if the slot is free. */
static bool describe(uint32_t number, struct tm_slot *result)
{
    struct reading now = read_slot(tm__slot_at(number));
    if (!is_shared(number) && tm__state_in(now.generation_state) == TM__FREE)
        return false;

    *result = (struct tm_slot){.slot = number, .totals = now.counters};
    if (is_shared(number)) {
        result->state = number == TM__LATE_SLOT ? TM_LATE : TM_OVERFLOW;
        result->thread_peak_bytes = now.counters.peak_bytes;
        return true;
    }
    tm__subtract_totals(&result->totals, &now.before);
    result->generation = tm__generation_in(now.generation_state);
    result->thread = now.thread;
    result->thread_peak_bytes = thread_peak(&now.counters, &now.since);
    result->tag = (tm_tag)now.tag;
    result->tid = now.tid;
    result->state = tm__state_in(now.generation_state) == TM__OWNED ? TM_LIVE : TM_ORPHAN;
    memcpy(result->name, now.name, sizeof result->name);
    return true;
}

/* Adds what a thread did in one of its slots, for whatever tags it used the slot. */
static void add_of_thread(const struct tm_totals *counters, const struct tm_totals *since, struct tm_totals *sum)
{
    struct tm_totals own = *counters;
    tm__subtract_totals(&own, since);
    tm__add_totals(sum, &own);
    if (thread_peak(counters, since) > sum->peak_bytes)
        sum->peak_bytes = thread_peak(counters, since);
}

static void totals_of_shared(struct tm_totals *totals)
{
    struct tm_slot slot = {0};
    if (tm__thread.me != &tm__unattached)
        describe(tm__thread.me == &tm__late_owner ? TM__LATE_SLOT : TM__OVERFLOW_SLOT, &slot);
    *totals = slot.totals;
}

void tm_thread_totals(struct tm_totals *totals)
{
    uint32_t count = tm__count_own_slots();
    *totals = (struct tm_totals){0};
    if (count == 0)
        totals_of_shared(totals);
    for (uint32_t i = 0; i < count; i++) {
        /* The caller keeps this slot, and does not allocate meanwhile, so to read the frees once is enough. */
        const struct tm__slot *own = tm__own_slot(i);
        struct tm_totals counters, since = read_since(own);
        read_frees_of_own(own, &counters);
        read_allocations(own, &counters);
        add_of_thread(&counters, &since, totals);
    }
}

/* The sum of all slots of a live thread, with what it did in them for tags that have ended. */
static void sum_of_thread(uint64_t thread, struct tm_totals *sum)
{
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        const struct tm__slot *slot = tm__slot_at(number);
        /*
         * Relaxed, here and below: a first check, repeated after the slot is read. No slot that the caller knows of is
         * missed.
         */
        if (tm__load(&slot->identity.thread) != thread)
            continue;
        struct reading now = read_slot(slot);
        if (now.thread == thread)
            add_of_thread(&now.counters, &now.since, sum);
    }
}

/* The sum of the orphans of a thread that has exited. Its other slots may belong to other threads by now. */
static void sum_of_orphans(uint64_t thread, struct tm_totals *sum)
{
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        struct tm_slot slot;
        if (tm__load(&tm__slot_at(number)->identity.thread) != thread || !describe(number, &slot) ||
            slot.thread != thread)
            continue;
        tm__add_totals(sum, &slot.totals);
        if (slot.thread_peak_bytes > sum->peak_bytes)
            sum->peak_bytes = slot.thread_peak_bytes;
    }
}

int tm_thread_totals_of(pid_t tid, struct tm_totals *totals)
{
    if (tid == 0) {
        tm_thread_totals(totals);
        return 0;
    }
    /*
     * The kernel may use a tid again as soon as its thread has exited. Of several threads that had this tid, a live one
     * is chosen, or else the newest.
     */
    bool found = false;
    struct tm_slot best = {0};
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        struct tm_slot slot;
        if (atomic_load_explicit(&tm__slot_at(number)->identity.tid, memory_order_relaxed) != tid ||
            !describe(number, &slot) || slot.tid != tid)
            continue;
        if (found && (best.state == slot.state ? slot.thread <= best.thread : best.state == TM_LIVE))
            continue;
        best = slot;
        found = true;
    }
    *totals = (struct tm_totals){0};
    if (found && best.state == TM_LIVE)
        sum_of_thread(best.thread, totals);
    else if (found)
        sum_of_orphans(best.thread, totals);
    return found ? 0 : -ESRCH;
}

void tm__add_slots_of_thread(uint64_t thread, struct tm_totals *sum)
{
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        struct tm_slot slot;
        if (tm__load(&tm__slot_at(number)->identity.thread) == thread && describe(number, &slot) &&
            slot.thread == thread)
            tm__add_totals(sum, &slot.totals);
    }
}

void tm__add_slots_of(int32_t tag, struct tm_totals *sum)
{
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        struct tm_slot slot;
        if (atomic_load_explicit(&tm__slot_at(number)->identity.tag, memory_order_relaxed) != (uint32_t)tag ||
            !describe(number, &slot) || slot.tag != tag)
            continue;
        tm__add_totals(sum, &slot.totals);
        sum->peak_bytes += slot.totals.peak_bytes;
    }
}

void tm_process_totals(struct tm_totals *totals)
{
    *totals = (struct tm_totals){0};
    for (uint32_t number = 0; number < tm__slots_used(); number++) {
        /* Over all generations, so generation and state do not matter: counters never lose what they once had. */
        const struct tm__slot *slot = tm__slot_at(number);
        struct tm_totals counters = read_counters(slot);
        /* Read after the peak, which may have replaced it. */
        uint64_t before = tm__load(&slot->before_peak_bytes);
        tm__add_totals(totals, &counters);
        totals->peak_bytes += before > counters.peak_bytes ? before : counters.peak_bytes;
    }
}

void tm_retired_totals(struct tm_totals *totals)
{
    *totals = (struct tm_totals){0};
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        tm__reap_slot(number); /* now: if tm_each_slot() retires it afterwards, it is in neither */
        struct reading now = read_slot(tm__slot_at(number));
        bool is_free = tm__state_in(now.generation_state) == TM__FREE;
        tm__add_totals(totals, is_free ? &now.counters : &now.before);
        /* A slot's generations follow one another, so what they had at most is the highest of their peaks. */
        totals->peak_bytes += is_free && now.counters.peak_bytes > now.before.peak_bytes ? now.counters.peak_bytes
                                                                                         : now.before.peak_bytes;
    }
}

int tm_each_slot(int (*visit)(const struct tm_slot *slot, void *arg), void *arg)
{
    for (uint32_t number = 0; number < tm__slots_used(); number++) {
        struct tm_slot slot;
        if (!is_shared(number))
            tm__refresh_slot(number);
        int result = describe(number, &slot) ? visit(&slot, arg) : 0;
        if (result != 0)
            return result;
    }
    return 0;
}

size_t tm_snapshot(struct tm_slot *slots, size_t capacity)
{
    size_t count = 0;
    for (uint32_t number = 0; number < tm__slots_used(); number++) {
        struct tm_slot slot;
        if (!is_shared(number) && tm__state_in(tm__load(&tm__slot_at(number)->identity.generation_state)) == TM__ORPHAN)
            tm__reap_slot(number);
        if (!describe(number, count < capacity ? &slots[count] : &slot))
            continue;
        count++;
    }
    return count;
}

void tm_process_cross_allocator_calls(struct tm_cross_allocator_calls *result)
{
    const struct tm__head *head = &tm__region_now()->head;
#define READ(name, words, meaning) result->name = tm__load(&head->name);
    TM_CROSS_ALLOCATOR_CALLS(READ)
#undef READ
}
