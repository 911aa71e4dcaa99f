/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the meter does when a thread allocates for the first time, and when it exits. A signal handler that allocates
 * may interrupt each step, and another thread may race with it; one compare-and-swap decides each step, and no thread
 * waits.
 */
#define _GNU_SOURCE
#include "meter/attach.h"
#include "state/fork.h"
#include "state/identity.h"
#include "state/open.h"
#include "state/slots.h"
#include "base/backend.h"
#include "block/block.h"
#include "block/thread_cache.h"
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

/*
 * A thread sanitizer is done with a thread before the last round of destructors, so its code must be done by then, too.
 */
#ifndef TM__EXIT_ROUNDS
#define TM__EXIT_ROUNDS PTHREAD_DESTRUCTOR_ITERATIONS
#endif

enum { NO_KEY = -1, KEY_UNDECIDED = 0 }; /* any other value is the key + 1 */
/*
 * Sequentially consistent throughout, as generation_state is: attaching is rare, so a weaker order would save nothing.
 * If two threads decide at once, the value of only one of them is used.
 */
static _Atomic long exit_key = KEY_UNDECIDED;

/*
 * What the calling thread is in the midst of, as a fork's child needs it. While a thread attaches or exits, a signal
 * handler may fork. What the handler interrupted then goes on in the child, too, with the same thread number and slot,
 * so the child must not take the slot from it. The handler may attach as well: then there is an outer transit.
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

/* The calling thread gives up all its slots. */
static void leave(void)
{
    uint32_t home = tm__slot_in(tm__thread.home->account);
    if (atomic_load_explicit(&tm__flow_is_on, memory_order_relaxed))
        tm__leave_flow();
    tm__leave_tag_slots();
    tm__leave_cache();
    struct transit outer = begin_transit(tm__thread.id, home);
    tm__thread.home = NULL;
    tm__thread.id = 0;
    tm__choose_writer();
    tm__leave_slot(home);
    end_transit(outer);
}

/* Other destructors may still allocate, so the thread keeps its slot until their last round. */
static void thread_exits(void *arg)
{
    struct tm__slot *slot = arg;
    /* libc may give a thread the stack of one that ended without destructors, and with it the value of the key. */
    if (!tm__thread.home)
        return;
    tm__thread.exit_rounds++;
    tm__leave_cache();
    if (tm__thread.exit_rounds < TM__EXIT_ROUNDS &&
        pthread_setspecific((pthread_key_t)(atomic_load(&exit_key) - 1), slot) == 0)
        return;
    tm__turn_to_shared(&tm__late_owner);
    leave();
}

/*
 * The fork handlers are registered before any thread attaches, if that is possible. If two threads come at once, both
 * may register them.
 */
static long decide_exit_key(void)
{
    long decided = atomic_load(&exit_key);
    if (decided != KEY_UNDECIDED)
        return decided;
    tm__register_fork_handlers();
    pthread_key_t key;
    long created = pthread_key_create(&key, thread_exits) == 0 ? (long)key + 1 : NO_KEY;
    if (!atomic_compare_exchange_strong(&exit_key, &decided, created)) {
        if (created != NO_KEY)
            pthread_key_delete(key);
        return decided;
    }
    return created;
}

static struct tm__owner *share_overflow(void)
{
    tm__turn_to_shared(&tm__overflow_owner);
    return tm__thread.me;
}

/* Serial number of the last thread that attached. */
static _Atomic uint64_t attached;

/*
 * tcmalloc's debug library must see each free, so with it no thread has a cache. The first thread asks here, once it
 * has attached, since tcmalloc allocates when it is first asked anything: if preloaded, through our operator new.
 */
static void limit_caches(void)
{
    if (!TM__BACKEND_ALLOWS_CACHE || backend_knows_objects()) /* with libc, there are caches only to be tested */
        return;
    tm__cache_after = UINT_MAX;
    tm_flush_cache();
}

/* Without a pthread key the thread's exit would not be noticed, so then it gets no slot of its own. */
static struct tm__owner *attach(uint64_t thread, long key)
{
    uint32_t number = key == NO_KEY ? TM__NO_SLOT : tm__open_slot(thread);
    if (number == TM__NO_SLOT)
        return tm__thread.me == &tm__unattached ? share_overflow() : tm__thread.me;

    /*
     * A signal handler may have attached this thread meanwhile; the swap finds that out. Relaxed: no other thread reads
     * tm__thread.me.
     */
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t generation_state = atomic_load(&slot->identity.generation_state);
    atomic_store(&slot->identity.generation_state, (generation_state & ~UINT64_C(0xff)) + (1 << 8) + TM__OWNED);
    struct tm__owner *expected = (struct tm__owner *)&tm__unattached;
    if (!__atomic_compare_exchange_n(&tm__thread.me, &expected, &slot->owner, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED)) {
        atomic_store(&slot->identity.generation_state, (generation_state & ~UINT64_C(0xff)) + (1 << 8) + TM__FREE);
        tm__give_slot(number);
        return tm__thread.me;
    }
    tm__thread.id = thread;
    tm__thread.lane = offsetof(struct tm__slot, lanes) + thread % TM__LANES * sizeof(struct tm__lane);
    tm__thread.home = &slot->owner;
    /* What follows may allocate, and so call the meter again: by now the thread is attached. */
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
