/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading: sums over lanes, less what earlier generations had. Frees are read before the allocations that they follow,
 * so nothing is ever negative; and again after them, so that it is seldom too high. A slot that changed hands meanwhile
 * is read again.
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

static void read_frees(const struct tm__slot *slot, struct tm_totals *sum)
{
    sum->remote_frees_received_blocks = sum->remote_frees_received_bytes = 0;
    for (int i = 0; i < TM__LANES; i++) {
        sum->remote_frees_received_blocks += tm__lane_blocks(&slot->lanes[i]);
        sum->remote_frees_received_bytes += tm__lane_bytes(&slot->lanes[i]);
    }
    sum->freed_blocks = sum->remote_frees_received_blocks + acquire(&slot->owner.freed_blocks);
    sum->freed_bytes = sum->remote_frees_received_bytes + acquire(&slot->owner.freed_bytes);
}

static void read_allocations(const struct tm__slot *slot, struct tm_totals *sum)
{
#define READ(name) sum->name = acquire(&slot->own.name);
    TM__OWN_COUNTERS(READ)
#undef READ
    sum->allocated_blocks = acquire(&slot->owner.allocated_blocks);
    sum->allocated_bytes = acquire(&slot->owner.allocated_bytes);
    /* Acquired, for tm_process_totals() reads what went before it next. */
    sum->peak_bytes = acquire(&slot->identity.peak_bytes);
}

/*
 * Over all generations. Counters only grow, so where no free came in between the sums are those of one moment; a thread
 * that frees all the time gets so many chances, and then what is live is read as higher than it was, never lower.
 */
static struct tm_totals read_counters(const struct tm__slot *slot)
{
    enum { CHANCES = 16 };
    struct tm_totals sum, again;
    read_frees(slot, &sum);
    for (int i = 0;; i++) {
        read_allocations(slot, &sum);
        read_frees(slot, &again);
        if (i == CHANCES || (again.freed_blocks == sum.freed_blocks && again.freed_bytes == sum.freed_bytes))
            return sum;
        sum = again;
    }
}

/* Of the generations before the present one. Relaxed, as the next: read_slot() says whether it is of one generation. */
static struct tm_totals read_before(const struct tm__slot *slot)
{
    struct tm_totals before = tm__settled_totals(&slot->identity.before);
    before.peak_bytes = tm__load(&slot->identity.before_peak_bytes);
    return before;
}

/* What was done before the present thread had the slot; its peak is of all that the thread has. */
static struct tm_totals read_since(const struct tm__slot *slot)
{
    struct tm_totals since = tm__settled_totals(&slot->since);
    since.peak_bytes = tm__load(&slot->identity.thread_peak_bytes);
    return since;
}

/* A slot as it was within one generation and state. */
struct reading {
    uint64_t life;
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
        now.life = acquire(&slot->identity.generation_state);
        now.thread =
            acquire(&slot->identity.thread); /* which is behind what it had when it came: see tm__open_slot() */
        now.tid = atomic_load_explicit(&slot->identity.tid, memory_order_relaxed);
        now.tag = atomic_load_explicit(&slot->identity.tag, memory_order_relaxed);
        tm__copy_name(&slot->identity, now.name);
        now.counters = read_counters(slot);
        now.before = read_before(slot);
        now.since = read_since(slot);
        now.since.peak_bytes = tm__thread_peak(slot);
        atomic_thread_fence(memory_order_acquire); /* counterpart of those in tm__reset_slot() and tm__open_slot() */
    } while (tm__load(&slot->identity.generation_state) != now.life);
    return now;
}

static bool is_shared(uint32_t number)
{
    return number < TM__SHARED_SLOTS;
}

/* Of all the thread's slots together. */
static uint64_t thread_peak(const struct tm_totals *counters, const struct tm_totals *since)
{
    return since->peak_bytes > counters->peak_bytes ? since->peak_bytes : counters->peak_bytes;
}

/* False if nobody has the slot. */
static bool describe(uint32_t number, struct tm_slot *result)
{
    struct reading now = read_slot(tm__slot_at(number));
    if (!is_shared(number) && tm__state_in(now.life) == TM__FREE)
        return false;

    *result = (struct tm_slot){.slot = number, .totals = now.counters};
    if (is_shared(number)) {
        result->state = number == TM__LATE_SLOT ? TM_LATE : TM_OVERFLOW;
        result->thread_peak_bytes = now.counters.peak_bytes;
        return true;
    }
    tm__subtract_totals(&result->totals, &now.before);
    result->generation = tm__generation_in(now.life);
    result->thread = now.thread;
    result->thread_peak_bytes = thread_peak(&now.counters, &now.since);
    result->tag = (tm_tag)now.tag;
    result->tid = now.tid;
    result->state = tm__state_in(now.life) == TM__OWNED ? TM_LIVE : TM_ORPHAN;
    memcpy(result->name, now.name, sizeof result->name);
    return true;
}

/* Adds what a thread did in one of its slots, whatever tags it had it for. */
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
        /* Meanwhile it does not change hands, and nothing is allocated: one reading of frees is of one moment. */
        const struct tm__slot *own = tm__own_slot(i);
        struct tm_totals counters, since = read_since(own);
        read_frees(own, &counters);
        read_allocations(own, &counters);
        add_of_thread(&counters, &since, totals);
    }
}

/* All slots of a thread that lives, those too that it had for tags which have ended. */
static void sum_of_thread(uint64_t thread, struct tm_totals *sum)
{
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        const struct tm__slot *slot = tm__slot_at(number);
        /* Relaxed, here and below: a first look, and not to be believed. What the caller knows of is not missed. */
        if (tm__load(&slot->identity.thread) != thread)
            continue;
        struct reading now = read_slot(slot);
        if (now.thread == thread)
            add_of_thread(&now.counters, &now.since, sum);
    }
}

/* Only what is on record: slots of a thread that has exited may be anybody's by now. */
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
     * The kernel uses a tid again as soon as its thread is gone: the living comes before its namesakes, the newest
     * first.
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
        /* No generations here, so no second reading either: counters never lose what they once had. */
        const struct tm__slot *slot = tm__slot_at(number);
        struct tm_totals counters = read_counters(slot);
        uint64_t before =
            tm__load(&slot->identity.before_peak_bytes); /* behind the peak that may have taken its place */
        tm__add_totals(totals, &counters);
        totals->peak_bytes += before > counters.peak_bytes ? before : counters.peak_bytes;
    }
}

void tm_retired_totals(struct tm_totals *totals)
{
    *totals = (struct tm_totals){0};
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        tm__reap_slot(number); /* or else it would be neither here nor, later, among the slots */
        struct reading now = read_slot(tm__slot_at(number));
        bool gone = tm__state_in(now.life) == TM__FREE;
        tm__add_totals(totals, gone ? &now.counters : &now.before);
        /* A slot's generations come one after another, so together they never had more than the highest of them. */
        totals->peak_bytes +=
            gone && now.counters.peak_bytes > now.before.peak_bytes ? now.counters.peak_bytes : now.before.peak_bytes;
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
