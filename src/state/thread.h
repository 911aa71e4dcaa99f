/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calling thread, as the library knows it: where it charges, and what it is doing. It is thread-local: only the
 * thread itself uses it, but one of its signal handlers may do so at any moment.
 */
#ifndef TM_THREAD_H
#define TM_THREAD_H

#include "base/header.h"
#include "base/options.h"
#include "cache/cache.h"
#include "state/layout.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- where it charges ---- */

/* Where a thread without a slot charges: these constants send it to the cold path. */
extern const struct tm__owner tm__unattached __attribute__((visibility("hidden")));
extern const struct tm__owner tm__late_owner __attribute__((visibility("hidden")));
extern const struct tm__owner tm__overflow_owner __attribute__((visibility("hidden")));
extern const struct tm__owner tm__early_owner __attribute__((visibility("hidden"))); /* see meter/early.h */

/* A soft limit, see threadmeter/limits.h. */
struct tm__soft {
    uint64_t bytes; /* 0: none */
    void (*call)(uint64_t live_bytes, void *arg);
    void *arg;
    uint64_t live; /* the value that was passed last */
    bool passed;   /* and live bytes have not been well below the limit since */
};

#define TM__UNKNOWN UINT64_MAX

enum { TM__NO_WRITER = 1 }; /* no thread with a home slot has this value */

enum {
    TM__CALL_THREAD = 1,
    TM__CALL_TAG = 2,
};

/*
 * What a thread needs after it was in a tag or a section, or had a limit. It is in memory of its own, with the tag
 * slots.
 */
struct tm__bounds {
    uint64_t most;   /* what its balance in all slots may reach until a bound must be checked, see tm__until_bound() */
    uint64_t excess; /* live bytes above a bound; TM__UNKNOWN: not yet computed */
    uint64_t limit;  /* 0: none */
    struct tm_section *section; /* the innermost one */
    struct tm__soft soft;
    struct tm__soft tag_soft;      /* a copy of the tag's, at the moment when it was passed */
    struct tm__tag_slot *tag_slot; /* of the slot that the thread is in, or was in before it was in none */
    uint64_t elsewhere;            /* the balance of all own slots but the one that it is in: see tm__own_balance() */
    unsigned changes;              /* how often it was changed */
    bool known;                    /* `elsewhere` is right */
    unsigned calls;                /* TM__CALL_…: calls that are due after the charge */
};

/*
 * The calling thread. Programs have little static thread-local storage for libraries that they load later, and this
 * takes some of it. So it has only what is read at each block, and what a thread without a slot needs. The rest is in
 * `bounds`.
 */
struct tm__thread {
    struct tm__owner *me;    /* where it charges: the owner's counters of its slot, or one of the constants above */
    struct tm__cache *cache; /* see block/thread_cache.h */
    uint64_t id;     /* tm__identity.thread of its slots; 0 before it attaches, or if there was no slot for it */
    uint64_t writer; /* as in its lanes; or TM__NO_WRITER if the fast path is closed, or the thread is in no slot */
    size_t lane;     /* offset in a slot of the lane that it tries first, in bytes */
    struct tm__owner *home;
    struct tm__bounds *bounds; /* NULL if it has none yet */
    uint32_t id_in_transit;    /* lower half of its `id`, while it attaches or exits */
    uint32_t slot_in_transit;  /* a slot that it is just taking, giving back or freeing */
    int32_t tag;               /* the tag that it is in */
    struct {
        uint32_t slot : 24; /* number + 1 of a slot in which it found no free lane; 0: none */
        uint32_t times : 8; /* how often it has needed a lane there since then */
    } no_lane;
    bool bounded;        /* by more than the home slot's peak: `bounds` has the rest, see meter/bounds.h */
    uint8_t slow_calls;  /* calls that found a bin empty or full, see block/thread_cache.c */
    uint8_t exit_rounds; /* rounds of its destructors that have begun: it gets no cache any more */
    uint8_t forking;     /* number of fork handlers that are running */
    bool locked_tags;    /* the fork handlers have locked the tags */
    bool changes_tags;   /* see tags_lock.h */
    uint8_t attaching;   /* how deeply its attach is nested, see meter/early.h */
    bool reads_options;
};
static_assert(sizeof(struct tm__thread) == 80, "as small as possible, see above");
extern _Thread_local struct tm__thread tm__thread __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Whether this stands for a slot that many threads share. */
static inline bool tm__is_shared_owner(const struct tm__owner *owner)
{
    return owner == &tm__late_owner || owner == &tm__overflow_owner || owner == &tm__early_owner;
}

/* The shared slot that the constant stands for. */
static inline uint32_t tm__shared_slot_of(const struct tm__owner *owner)
{
    return owner == &tm__late_owner ? TM__LATE_SLOT : TM__OVERFLOW_SLOT;
}

/*
 * How deeply the attach of a thread may be nested: an interruption, for example by one signal handler, does not keep a
 * thread from attaching.
 */
enum { TM__ATTACHING_MOST = 2 };

/* Whether meter/early.h must count what the calling thread allocates, and frees, in the overflow slot. */
static inline bool tm__is_early(void)
{
    return tm__thread.me == &tm__unattached && (tm__thread.attaching == TM__ATTACHING_MOST || tm__thread.reads_options);
}

static inline void tm__read_thread_options(void)
{
    tm__read_options(&tm__thread.reads_options);
}

/*
 * The calling thread's number as `writer` of a lane: 0 before it has attached, after it has left, and if it has no
 * slot.
 */
uint64_t tm__own_writer(void);

/* THREADMETER_FLOW: who freed whose blocks is recorded, and no thread has the fast path of remote frees. */
extern _Atomic bool tm__flow_is_on __attribute__((visibility("hidden")));

/* Must be called after each change of tm__thread.me. */
void tm__choose_writer(void);

/*
 * Lets the thread charge to one of the constants of the shared slots. The fast path of remote frees adds to the slot
 * that the thread is in, so it is closed first, since a signal handler may come in between. tm__choose_writer() must
 * follow.
 */
static inline void tm__turn_to_shared(const struct tm__owner *shared)
{
    tm__thread.writer = TM__NO_WRITER;
    atomic_signal_fence(memory_order_seq_cst);
    tm__thread.me = (struct tm__owner *)shared;
}

#endif
