/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A slot: the account that a block is charged to for the whole of its life. One writer for what the owner does, a few
 * shared lanes for frees by others, and a record of who had it. How it lies in memory is in layout.h; here is what is
 * done with it.
 *
 * Counters only grow, over all generations of a slot; a record keeps where its generation began. So nothing is moved
 * when a slot is reused, and the process total is one sum that cannot lose a byte.
 *
 * Readers take frees first and allocations last. A free is published (release) after the allocation that it follows,
 * so what a reader computes as live is never negative. An allocation is published after the frees that it follows and
 * the peak that it makes, so between two equal readings of the frees it belongs to them, and is no more than the peak.
 */
#ifndef TM_SLOT_H
#define TM_SLOT_H

#include "base/backend.h"
#include "state/region.h"
#include "base/counter.h"
#include "base/options.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a thread charges that has no slot: these send it to the cold path. */
extern const struct tm__owner tm__unattached __attribute__((visibility("hidden")));
extern const struct tm__owner tm__late_owner __attribute__((visibility("hidden")));
extern const struct tm__owner tm__overflow_owner __attribute__((visibility("hidden")));
extern const struct tm__owner tm__early_owner __attribute__((visibility("hidden"))); /* see early.h */

/* A soft limit, see threadmeter/limits.h. */
struct tm__soft {
    uint64_t bytes; /* 0: none */
    void (*call)(uint64_t live_bytes, void *arg);
    void *arg;
    uint64_t live; /* as it was passed last */
    bool passed;   /* and not yet been well below since */
};

#define TM__UNKNOWN UINT64_MAX

enum { TM__NO_WRITER = 1 }; /* no thread has that for its home slot */

enum {
    TM__CALL_THREAD = 1,
    TM__CALL_TAG = 2,
};

/* What a thread has once it was in a tag, in a section, or had a limit: memory of its own, with its slots for tags. */
struct tm__bounds {
    uint64_t watermark;         /* balance of the slot that it is in, above which there is something to see */
    uint64_t room;              /* watermark - balance, while it is in no slot */
    uint64_t excess;            /* live bytes above a bound: then watermark is 0. TM__UNKNOWN: to be looked at */
    uint64_t limit;             /* 0: none */
    struct tm_section *section; /* the innermost */
    struct tm__soft soft;
    struct tm__soft tag_soft; /* a copy of the tag's, as it was passed */
    unsigned calls;           /* TM__CALL_…: to be made behind the charge */
};

/*
 * The calling thread. It takes of what a program has of static thread-local storage, little of which is left for libraries
 * that it loads later: so here is what is read at each block, and what a thread needs that has no slot. The rest is in
 * `bounds`.
 */
struct tm__thread {
    struct tm__owner *me;    /* where it charges: its slot's owner lane, or one of the above */
    struct tm__cache *cache; /* see cache.h */
    uint64_t id;     /* tm__identity.thread of its slots; 0 before it attaches, or if there was no slot for it */
    uint64_t writer; /* as in its lanes; or TM__NO_WRITER where that path is closed, or the thread is in no slot */
    size_t lane;     /* where in a slot the one is that it tries first, bytes */
    struct tm__owner *home;
    struct tm__bounds *bounds; /* NULL before the first */
    uint32_t passing;          /* its `id`, the lower half, while it attaches or leaves */
    uint32_t in_hand;          /* a slot that it is about to take, give or free */
    int32_t tag;               /* that it is in */
    struct {
        uint32_t slot : 24; /* + 1: one in which it found no lane; 0: none */
        uint32_t times : 8; /* that it needed one there since */
    } no_lane;
    bool bounded;        /* by more than its home slot's peak: what follows from that is in `bounds`, see bounds.h */
    uint8_t uncached;    /* blocks that it allocated without a cache, see cache.c */
    uint8_t exit_rounds; /* of its destructors, that have begun: it is to have no cache */
    uint8_t forking;     /* fork handlers that run */
    bool locked_tags;    /* by those handlers */
    bool changes_tags;   /* see tags_lock.h */
    uint8_t attaching;   /* so often at once, see early.h */
    bool reads_options;
};
static_assert(sizeof(struct tm__thread) == 80, "as little as can be, see above");
extern _Thread_local struct tm__thread tm__thread __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline enum tm__slot_state tm__state_in(uint64_t life)
{
    return (enum tm__slot_state)(life & 0xff);
}

static inline uint32_t tm__generation_in(uint64_t life)
{
    return (uint32_t)(life >> 8);
}

/* Relaxed, and perhaps older than what the caller has just freed: see tm__retire_if_empty(). */
static inline bool tm__is_owned(const struct tm__slot *slot)
{
    return tm__state_in(tm__load(&slot->identity.generation_state)) == TM__OWNED;
}

/*
 * Whether a fork's child leaves the slot to the thread that is in it: it is its own, or in its hand, and a signal handler
 * that interrupted it there forked. What is in its hand and owned is another's, who was quicker, or known by its thread.
 */
static inline bool tm__survives_fork(uint32_t number, const struct tm__slot *slot)
{
    uint64_t thread = tm__load(&slot->identity.thread);
    bool is_own = thread != 0 && (thread == tm__thread.id || (uint32_t)thread == tm__thread.passing);
    return is_own || (number == tm__thread.in_hand && !tm__is_owned(slot));
}

static inline struct tm__slot *tm__slot_of(const struct tm__owner *owner)
{
    return (struct tm__slot *)((uintptr_t)owner - offsetof(struct tm__slot, owner));
}

/* Another thread may set it, but only to 0. */
static inline uint64_t tm__watermark(const struct tm__owner *owner)
{
    return tm__load_own(&owner->watermark);
}

/*
 * Released, and acquired by who swaps it: see tm__tag_is_bounded(). The owner of a tag's slot only swaps, for a 0 too:
 * a store of its own on top of another thread's would leave nothing to acquire.
 */
static inline void tm__set_watermark(struct tm__owner *owner, uint64_t watermark)
{
    __atomic_store_n(&owner->watermark, watermark, __ATOMIC_RELEASE);
}

static inline void tm__swap_watermark(struct tm__owner *owner, uint64_t watermark)
{
    __atomic_exchange_n(&owner->watermark, watermark, __ATOMIC_ACQ_REL);
}

/*
 * Charges a block of 1 byte or more to the caller's own slot; false, and nothing done, where that takes more thought.
 */
static inline bool tm__charge_own(struct tm__owner *me, size_t size)
{
    uint64_t allocated = tm__load(&me->allocated_bytes) + size; /* my own, or my predecessor's: see `life` */
    if (__builtin_expect(allocated - tm__load(&me->freed_bytes) > tm__watermark(me), 0))
        return false;
    tm__store_release(&me->allocated_bytes, allocated);
    tm__add_own(&me->allocated_blocks, 1);
    return true;
}

static inline void tm__credit_own(struct tm__owner *me, size_t size)
{
    tm__add_own(&me->freed_bytes, size);
    tm__add_own(&me->freed_blocks, 1);
}

/* Acquired, a free is seen with the allocation before it. */
static inline uint64_t tm__lane_bytes(const struct tm__lane *lane)
{
    return atomic_load_explicit(&lane->freed_bytes, memory_order_acquire) +
           atomic_load_explicit(&lane->shared_bytes, memory_order_acquire);
}

static inline uint64_t tm__lane_blocks(const struct tm__lane *lane)
{
    return atomic_load_explicit(&lane->freed_blocks, memory_order_acquire) +
           atomic_load_explicit(&lane->shared_blocks, memory_order_acquire);
}

/* The lane that the calling thread tries first. */
static inline struct tm__lane *tm__first_lane(struct tm__slot *slot)
{
    return (struct tm__lane *)((char *)slot + tm__thread.lane);
}

/*
 * Credits a block of a slot that one thread has, not the caller, if the caller has its first lane there, and a slot;
 * false, and nothing done, otherwise. Blocks last: whoever sees the block gone sees its bytes gone, and that it was
 * allocated. `writer` relaxed: only a thread itself writes there that it is the one, and nobody takes a lane from one that
 * lives. `thread` relaxed: its own number is there only if it put it there; which of the others' does not matter.
 */
static inline bool tm__credit_remote(struct tm__slot *slot, size_t size)
{
    struct tm__lane *lane = tm__first_lane(slot);
    if (__builtin_expect(tm__load(&lane->writer) != tm__thread.writer, 0) ||
        __builtin_expect(tm__load(&slot->identity.thread) == tm__thread.id,
                         0)) /* for a tag, but another had it before */
        return false;
    tm__add_own(&tm__slot_of(tm__thread.me)->remote_frees_made.bytes, size);
    tm__add_own(&lane->freed_bytes, size);
    tm__add_own(&lane->freed_blocks, 1);
    return true;
}

/* siblings.c: credits a block of a slot of the caller's, whichever it is in. */
void tm__credit_own_slot(struct tm__slot *slot, size_t size);

/* To be called when tm__thread.me has changed. */
void tm__choose_writer(void);

/*
 * For a thread that is to charge to a guest's constant: the fast path adds to the slot that the thread is in, so that is
 * closed first, for a signal handler may come in between. tm__choose_writer() is to follow.
 */
static inline void tm__turn_to_shared(const struct tm__owner *shared)
{
    tm__thread.writer = TM__NO_WRITER;
    atomic_signal_fence(memory_order_seq_cst);
    tm__thread.me = (struct tm__owner *)shared;
}

/* account.c */

struct tm__block;

/* Charges a block of any size to the caller, attaching the thread if need be; the slot. Never fails. */
uint32_t tm__charge(size_t size);

/* The same; but TM__NO_SLOT with ENOMEM, and nothing is changed, where a limit is in the way. */
uint32_t tm__try_charge(size_t size);

/* The same, and credits `instead`. In an account of the caller the old block makes room for the new one. */
uint32_t tm__exchange(size_t size, const struct tm__block *instead);

/* Credits a freed block to the slot that it was charged to, whoever frees it. */
void tm__credit(uint32_t slot, size_t size);

enum tm__credited {
    TM__NOT_YET,
    TM__UNCOUNTED, /* the slot's counters are right, but nobody knows yet who freed it */
    TM__COUNTED,
};

/* The beginning of that: waits for nothing, so it may be done under a lock. */
enum tm__credited tm__credit_counters(uint32_t slot, size_t size);

/* Charges blocks to a shared slot, and credits them as its own. */
void tm__charge_sum_shared(uint32_t slot, uint64_t bytes, uint64_t blocks);
void tm__credit_sum_shared(uint32_t slot, uint64_t bytes, uint64_t blocks);

/* table.c */

/* Slots are numbered from 0 to one less than this. */
uint32_t tm__slots_used(void);

/* A slot for a new thread, in no list and still TM__FREE; TM__NO_SLOT if there is none. */
uint32_t tm__take_slot(void);
void tm__give_slot(uint32_t slot);

/* Whether all blocks are freed: for good, if it is an orphan's. */
bool tm__is_empty(const struct tm__slot *slot);

/* Frees an orphan that owns nothing. Any thread may try, at any time. */
void tm__retire_if_empty(uint32_t slot);

/*
 * Closes the books of a generation, all of whose blocks are freed: what it had in all. For a slot that is TM__FREE and
 * ours.
 */
struct tm_totals;
void tm__reset_slot(struct tm__slot *slot, struct tm_totals *gone);

/*
 * Most that was ever live of all the slots of its thread together. While the thread lives: the largest of what its home
 * slot had at most and of what was seen of all slots while the thread was bounded; when it is not, home has all. Once the
 * thread is gone, it is in each slot's own record, if tm__keep_thread_peak() was called; else home's, as long as that is
 * nobody else's.
 */
uint64_t tm__thread_peak(const struct tm__slot *slot);
void tm__keep_thread_peak(struct tm__slot *slot);

/* In a fork's child, before anything else: every slot but the caller's, and one in its hand, is now a dead thread's. */
void tm__table_after_fork(pid_t parent);

/* totals.c */

/* Adds what is charged to a tag by slots that there are. */
void tm__add_slots_of(int32_t tag, struct tm_totals *sum);

/* The same of a thread: not what it had charged to tags that have ended. No peak, which only the thread has. */
void tm__add_slots_of_thread(uint64_t thread, struct tm_totals *sum);

/* threads.c */

/* A slot for this thread, with all but its state, which is still TM__FREE; or TM__NO_SLOT. */
uint32_t tm__open_slot(uint64_t thread);

/* What the slot still owns stays charged to it; if that is nothing, it is free. */
void tm__leave_slot(uint32_t slot);

/* Registers the fork handlers, if that was not done; false if it cannot be. */
bool tm__register_fork_handlers(void);

/* Gives the calling thread a slot and returns what tm__thread.me is from now on. */
struct tm__owner *tm__attach(void);

/*
 * Sees to what nobody saw to: makes an orphan of a slot whose thread is gone and did not leave it (one that attached in
 * its last rounds of destructors, or that never ran any), and frees an orphan that owns nothing (the owner and the one
 * who freed the last block went at the same time).
 */
void tm__reap_slot(uint32_t slot);

/* The same for who lists it, with the thread's name as it is now; and where a dead thread's tid is another's. */
void tm__refresh_slot(uint32_t slot);

#endif
