/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread's life as seen from here: its first allocation, its end, a fork. Each step can be interrupted by a signal
 * handler that allocates, or raced by another thread; each is decided by one compare-and-swap, and nobody waits.
 */
#define _GNU_SOURCE
#include "meter/attach.h"
#include "state/fork.h"
#include "state/identity.h"
#include "state/open.h"
#include "state/slots.h"
#include "base/backend.h"
#include "block/block.h"
#include "block/cache.h"
#include "meter/early.h"
#include "state/flow.h"
#include "base/kernel.h"
#include "state/names.h"
#include "base/objects.h"
#include "base/options.h"
#include "state/publish.h"
#include "state/own_slots.h"
#include "state/settled.h"
#include "state/slot.h"
#include "state/tag_table.h"
#include "base/task.h"
#include "threadmeter/malloc.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

/* A thread sanitizer is gone before the last round of destructors, and what it instrumented must be, too. */
#ifndef TM__EXIT_ROUNDS
#define TM__EXIT_ROUNDS PTHREAD_DESTRUCTOR_ITERATIONS
#endif

enum { NO_KEY = -1, KEY_UNDECIDED = 0 }; /* else the key + 1 */
/* The default order throughout, as for `life`: a thread attaches once, and what two decide at once only one has. */
static _Atomic long exit_key = KEY_UNDECIDED;

/*
 * While a thread attaches or leaves, a signal handler may fork, and what it interrupted goes on in the child, too, with
 * what it has: which the child has to leave to it. A handler may attach itself; so there may be an outer one.
 */
struct transit {
    uint32_t id_in_transit;
    uint32_t slot_in_transit;
};

static struct transit begin_transit(uint64_t thread, uint32_t slot)
{
    struct transit outer = {tm__thread.id_in_transit, tm__thread.slot_in_transit};
    tm__thread.id_in_transit = (uint32_t)thread;
    tm__thread.slot_in_transit = slot;
    atomic_signal_fence(memory_order_seq_cst);
    return outer;
}

static void end_transit(struct transit outer)
{
    atomic_signal_fence(memory_order_seq_cst);
    tm__thread.id_in_transit = outer.id_in_transit;
    tm__thread.slot_in_transit = outer.slot_in_transit;
}

/* Of all its slots. */
static void leave(void)
{
    uint32_t home = tm__slot_in(tm__thread.home->account);
    if (atomic_load_explicit(&tm__flow_is_on, memory_order_relaxed))
        tm__leave_flow();
    tm__leave_tag_slots();
    tm_flush_cache();
    struct transit outer = begin_transit(tm__thread.id, home);
    tm__thread.home = NULL;
    tm__thread.id = 0;
    tm__choose_writer();
    tm__leave_slot(home);
    end_transit(outer);
}

/* Other destructors may still allocate, so the slot is kept until the last round of them. */
static void thread_exits(void *arg)
{
    struct tm__slot *slot = arg;
    if (!tm__thread.home) /* libc gave it the stack of one who died without destructors, and the key's value with it */
        return;
    tm__thread.exit_rounds++;
    tm_flush_cache();
    if (tm__thread.exit_rounds < TM__EXIT_ROUNDS &&
        pthread_setspecific((pthread_key_t)(atomic_load(&exit_key) - 1), slot) == 0)
        return;
    tm__turn_to_shared(&tm__late_owner);
    leave();
}

/* No thread attaches before there are fork handlers, if they can be had. Two that come at once may both register them. */
static long decide_exit_key(void)
{
    long decided = atomic_load(&exit_key);
    if (decided != KEY_UNDECIDED)
        return decided;
    tm__register_fork_handlers();
    pthread_key_t key;
    long mine = pthread_key_create(&key, thread_exits) == 0 ? (long)key + 1 : NO_KEY;
    if (!atomic_compare_exchange_strong(&exit_key, &decided, mine)) {
        if (mine != NO_KEY)
            pthread_key_delete(key);
        return decided;
    }
    return mine;
}

static struct tm__owner *share_overflow(void)
{
    tm__turn_to_shared(&tm__overflow_owner);
    return tm__thread.me;
}

/* The number of the last thread that did. */
static _Atomic uint64_t attached;

/*
 * tcmalloc's debug library is to see each free. It is asked for here, by the first thread, since tcmalloc allocates where it is
 * first asked anything: preloaded, through our operator new.
 */
static void limit_caches(void)
{
    if (backend_knows_objects())
        return;
    tm__cache_after = UINT_MAX;
    tm_flush_cache();
}

/* A thread whose end nobody would tell us of must not hold a slot. */
static struct tm__owner *attach(uint64_t thread, long key)
{
    uint32_t number = key == NO_KEY ? TM__NO_SLOT : tm__open_slot(thread);
    if (number == TM__NO_SLOT)
        return tm__thread.me == &tm__unattached ? share_overflow() : tm__thread.me;

    /*
     * A signal handler may have attached this thread since. From the swap on, ours may. Relaxed: no other thread reads
     * tm__thread.me.
     */
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t life = atomic_load(&slot->identity.generation_state);
    atomic_store(&slot->identity.generation_state, (life & ~UINT64_C(0xff)) + (1 << 8) + TM__OWNED);
    struct tm__owner *expected = (struct tm__owner *)&tm__unattached;
    if (!__atomic_compare_exchange_n(&tm__thread.me, &expected, &slot->owner, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED)) {
        atomic_store(&slot->identity.generation_state, (life & ~UINT64_C(0xff)) + (1 << 8) + TM__FREE);
        tm__give_slot(number);
        return tm__thread.me;
    }
    tm__thread.id = thread;
    tm__thread.lane = offsetof(struct tm__slot, lanes) + thread % TM__LANES * sizeof(struct tm__lane);
    tm__thread.home = &slot->owner;
    /* What follows may allocate, and that may come here: we are attached. */
    tm__choose_writer();
    if (pthread_setspecific((pthread_key_t)(key - 1), slot) != 0) {
        share_overflow();
        leave();
    } else {
        if (thread == 1)
            limit_caches();
        if (tm__cache_after == 0)
            tm__open_cache();
    }
    return tm__thread.me;
}

static struct tm__owner *attach_in_transit(void)
{
    backend_avoid_brk();
    tm__open_region();
    long key = decide_exit_key();
    uint64_t thread = atomic_fetch_add(&attached, 1) + 1;
    struct transit outer = begin_transit(thread, 0);
    struct tm__owner *me = attach(thread, key);
    end_transit(outer);
    return me;
}

struct tm__owner *tm__attach(void)
{
    if (!tm__has_secret())
        tm__choose_secret();
    if (tm__is_early())
        return (struct tm__owner *)&tm__early_owner;
    tm__thread.attaching++;
    struct tm__owner *me = attach_in_transit();
    tm__thread.attaching--;
    tm__flush_early_charges();
    return me;
}
