/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lock for what lasts for moments. It goes to whoever is quickest, for that is fastest: but who has waited for long
 * shuts the door behind itself, or a thread that takes the lock again and again would keep out another's fork for ever.
 * No memory, no name: all 0 is an open one.
 */
#ifndef TM__LOCK_H
#define TM__LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct tm__lock {
    _Atomic bool held;          /* taken with acquire, given with release: who has it sees what its predecessor did */
    _Atomic uint32_t impatient; /* those who have waited for long; relaxed, for it only says who is to try */
};

static inline bool tm__take_lock(struct tm__lock *lock)
{
    return atomic_load_explicit(&lock->impatient, memory_order_relaxed) == 0 &&
           !atomic_exchange_explicit(&lock->held, true, memory_order_acquire);
}

void tm__wait_for_lock(struct tm__lock *lock);

static inline void tm__lock(struct tm__lock *lock)
{
    if (!tm__take_lock(lock))
        tm__wait_for_lock(lock);
}

static inline void tm__unlock(struct tm__lock *lock)
{
    atomic_store_explicit(&lock->held, false, memory_order_release);
}

/* For a fork's child, in which nobody waits any more, whoever held it. */
void tm__reset_lock(struct tm__lock *lock);

#endif
