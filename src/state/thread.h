/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calling thread, as the library knows it: where it charges, what it is in the midst of. Thread-local; everything here
 * is the thread's own, and a signal handler of its may come in between at any moment.
 */
#ifndef TM_THREAD_H
#define TM_THREAD_H

#include "base/header.h"
#include "base/options.h"
#include "state/layout.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what it keeps of freed objects: block/cache.h ---- */

enum { TM__CACHED_MAX = 512 }; /* bytes, of the largest block whose object is kept */

/*
 * Objects of one size, linked by their first words, where the marks stood. With each link goes how many objects there
 * are from there on: a count of its own would be one more word that each call must wait for the one before it to store.
 */
struct tm__bin {
    uint64_t first; /* address << 16 | count; 0 if there are none. User space ends below 2^48 */
    uint64_t most;  /* that may be here */
};

/* Blocks whose sizes round up to the same multiple of 16 have a bin, and in it objects that are made for all of them. */
struct tm__cache {
    struct tm__bin bins[TM__CACHED_MAX / TM__ALIGNMENT + 1];
};

/* That of a thread that has none: no objects, nor room for any. */
extern const struct tm__cache tm__no_cache __attribute__((visibility("hidden")));

/* ---- */

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
    unsigned calls;           /* TM__CALL_…: to be made after the charge */
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

/* Whether what is charged to this goes to a slot that many threads share. */
static inline bool tm__is_shared_owner(const struct tm__owner *owner)
{
    return owner == &tm__late_owner || owner == &tm__overflow_owner || owner == &tm__early_owner;
}

/* The shared slot that one of the above stands for. */
static inline uint32_t tm__shared_slot_of(const struct tm__owner *owner)
{
    return owner == &tm__late_owner ? TM__LATE_SLOT : TM__OVERFLOW_SLOT;
}

/* As often as a thread may be attaching: interrupted once, by a signal handler, say, it is not held up. */
enum { TM__ATTACHING_MOST = 2 };

/* Whether what the calling thread allocates and frees of the overflow slot's is to be counted here. */
static inline bool tm__is_early(void)
{
    return tm__thread.me == &tm__unattached && (tm__thread.attaching == TM__ATTACHING_MOST || tm__thread.reads_options);
}

static inline void tm__read_thread_options(void)
{
    tm__read_options(&tm__thread.reads_options);
}

/* The thread as the lanes have it that it frees by: 0 before it has attached, once it has left, and if it has no slot. */
uint64_t tm__own_writer(void);

/* THREADMETER_FLOW: it is recorded who frees whose blocks. Then no thread has the fast path of remote frees. */
extern _Atomic bool tm__flow_is_on __attribute__((visibility("hidden")));

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

#endif
