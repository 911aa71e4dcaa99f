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
    _Atomic uint32_t
        held; /* by whom, see tm__locker(); 0: it is open. Taken with acquire, given with release: who has it
                              sees what its predecessor did */
    _Atomic uint32_t impatient; /* those who have waited for long; relaxed, for it only says who is to try */
};

/* The calling thread's number among those that take locks; 0: it never did. A fork's child has its parent's. */
extern _Thread_local uint32_t tm__locker __attribute__((tls_model("initial-exec"), visibility("hidden")));
uint32_t tm__become_locker(void);

/*
 * Whether the calling thread has it: what calls was interrupted by a signal handler, or is in a fork's handlers, and is
 * not to wait. Relaxed: its own number is there only if it put it there.
 */
static inline bool tm__has_lock(const struct tm__lock *lock)
{
    return tm__locker != 0 && atomic_load_explicit(&lock->held, memory_order_relaxed) == tm__locker;
}

/* Takes it if it is open, whoever has waited. In one step: a handler finds it taken, and by whom, or it is not. */
static inline bool tm__try_lock(struct tm__lock *lock)
{
    uint32_t nobody = 0, me = tm__locker != 0 ? tm__locker : tm__become_locker();
    return atomic_compare_exchange_strong_explicit(&lock->held, &nobody, me, memory_order_acquire,
                                                   memory_order_relaxed);
}

static inline bool tm__take_lock(struct tm__lock *lock)
{
    return atomic_load_explicit(&lock->impatient, memory_order_relaxed) == 0 && tm__try_lock(lock);
}

void tm__wait_for_lock(struct tm__lock *lock);

static inline void tm__lock(struct tm__lock *lock)
{
    if (!tm__take_lock(lock))
        tm__wait_for_lock(lock);
}

/* The same; false, and nothing done, for who has it already. */
static inline bool tm__lock_anew(struct tm__lock *lock)
{
    bool anew = !tm__has_lock(lock);
    if (anew)
        tm__lock(lock);
    return anew;
}

static inline void tm__unlock(struct tm__lock *lock)
{
    atomic_store_explicit(&lock->held, 0, memory_order_release);
}

/* For a fork's child, in which no other thread has it, or waits. Below a handler that forked, one's own has it still. */
void tm__reset_lock(struct tm__lock *lock);

#endif
