/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calling thread's own slots: its home slot, and one for each tag that it has been in, which it keeps until it
 * exits. Only the thread itself uses what is here, except for the counters in the slots.
 */
#ifndef TM_OWN_SLOTS_H
#define TM_OWN_SLOTS_H

#include "state/slot.h"
#include "state/tag_table.h"
#include "threadmeter/tags.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct tm__tag_slot {
    struct tm__owner *owner;
    tm_tag tag;          /* 0: a spare slot, or the home slot */
    uint32_t next_spare; /* number of the next one; 0: none */
    uint64_t watermark;  /* the slot's own; the owner's may be lower because of limits of its thread */
    uint64_t lease;      /* what its balance may reach while it has a lease, see meter/lease.h */
};

/* Large, but only the pages that are used take memory. */
struct tm__tag_slots {
    struct tm__bounds bounds; /* tm__thread.bounds points here */
    /* Relaxed: only a signal handler of the same thread can run in between. */
    _Atomic uint32_t count;
    /* The lower half is the first spare slot's number, or 0; the upper half changes with each operation. */
    _Atomic uint32_t spares;
    uint32_t ended; /* tm__tags_ended when the slots were last searched for ended tags */
    /* For each place in the table of tags: the number of its tag slot, from 1; 0: none. No tag is at place 0. */
    uint16_t number_at[TM__TAG_PLACES];
    struct tm__tag_slot tag_slots[TM__TAG_PLACES]; /* number 0 is the home slot */
};

static inline struct tm__tag_slots *tm__own_tag_slots(void)
{
    static_assert(offsetof(struct tm__tag_slots, bounds) == 0, "a pointer to bounds is one to tag slots");
    return (struct tm__tag_slots *)tm__thread.bounds;
}

static inline uint32_t tm__count_tag_slots(const struct tm__tag_slots *all)
{
    return all ? atomic_load_explicit(&all->count, memory_order_relaxed) : 0;
}

/*
 * That of its slots that the thread, which has bounds, is in; NULL if it is in none, or a signal handler interrupted it
 * while it turns from one to another.
 */
static inline struct tm__tag_slot *tm__present_slot(void)
{
    struct tm__tag_slot *slot = tm__thread.bounds->tag_slot;
    return slot->owner == tm__thread.me ? slot : NULL;
}

/* How many slots the calling thread has. Number 0 is the home slot. Async-signal-safe, and so is the next function. */
uint32_t tm__count_own_slots(void);
struct tm__slot *tm__own_slot(uint32_t number);

/*
 * In a fork's child: what other threads freed of the calling thread's blocks is added up anew, since they may have been
 * in the midst of that.
 */
void tm__own_slots_after_fork(void);

/*
 * A change of bounds->elsewhere. A signal handler may change it, too, or allocate in between. So it is not `known`
 * meanwhile, nor afterwards if a handler changed it; then it is counted anew when it is needed. Signal fences are
 * enough, since the handler is run by the same thread.
 */
struct tm__change {
    unsigned number;
    bool was_known;
};

static inline struct tm__change tm__begin_change(void)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    struct tm__change change = {.number = ++bounds->changes};
    atomic_signal_fence(memory_order_seq_cst);
    change.was_known = bounds->known;
    bounds->known = false;
    atomic_signal_fence(memory_order_seq_cst);
    return change;
}

static inline void tm__end_change(struct tm__change change, uint64_t elsewhere)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    bounds->elsewhere = elsewhere;
    bounds->known = change.was_known;
    atomic_signal_fence(memory_order_seq_cst);
    if (__builtin_expect(bounds->changes != change.number, 0))
        bounds->known = false;
}

/* Counts bounds->elsewhere anew, slot by slot, from what only the calling thread changes. */
uint64_t tm__recount_elsewhere(void);

/*
 * What the calling thread allocated in all its slots, less what it freed there itself, and less what their lanes held
 * when it took them (but for its home slot): this minus tm__thread_remote_freed_bytes() is what it owns. Its cost does
 * not grow with the number of slots: only the slot that it is in changes without being told, see
 * tm__credit_own_slot() and turn(). The thread must have bounds.
 */
static inline uint64_t tm__own_balance(void)
{
    uint64_t elsewhere = tm__thread.bounds->elsewhere;
    if (__builtin_expect(!tm__thread.bounds->known || !tm__present_slot(), 0))
        elsewhere = tm__recount_elsewhere();
    return elsewhere + (tm__is_shared_owner(tm__thread.me) ? 0 : tm__balance_of(tm__thread.me));
}

/*
 * The bounds of the calling thread, which has a home slot, with memory for its tag slots; made if there are none. NULL if
 * there is no memory.
 */
struct tm__bounds *tm__open_bounds(void);

/* The thread leaves its tag slots, and its bounds. It does so before it leaves its home slot. */
void tm__leave_tag_slots(void);

/*
 * What the balance of the slot that the thread is in may reach until a bound must be checked; below 0 if each allocation
 * must. It follows from what is elsewhere, so it need not be set when the thread turns to another slot, or to none, nor
 * when it frees elsewhere.
 */
static inline int64_t tm__until_bound(const struct tm__bounds *bounds)
{
    return (int64_t)(bounds->most - bounds->elsewhere);
}

/* The same as a watermark of a slot. */
static inline uint64_t tm__bounds_watermark(const struct tm__bounds *bounds)
{
    return tm__until_bound(bounds) > 0 ? (uint64_t)tm__until_bound(bounds) : 0;
}

/* So far below 0 that it stays there, whatever the thread frees. */
static inline void tm__lower_bounds_watermark(struct tm__bounds *bounds)
{
    bounds->most = bounds->elsewhere + (uint64_t)(INT64_MIN / 2);
}

/* The watermark of one of the thread's slots if it is in that: the lower of two, the slot's own and that of all bounds. */
static inline uint64_t tm__lower_watermark(const struct tm__tag_slot *slot, uint64_t of_bounds)
{
    return slot->watermark < of_bounds ? slot->watermark : of_bounds;
}

/*
 * Sets the watermark of the slot that the thread is in; if its tag has a limit, to 0. If it has the right value already,
 * there is no need for that: another thread that sets it to 0 does so later, as it may after an exchange.
 */
static inline void tm__exchange_watermark(const struct tm__tag_slot *slot, uint64_t watermark)
{
    if (!tm__tag_is_bounded(slot->tag))
        tm__swap_watermark(slot->owner, watermark);
    if (tm__tag_is_bounded(slot->tag) && tm__watermark(slot->owner) != 0)
        tm__swap_watermark(slot->owner, 0);
}

#endif
