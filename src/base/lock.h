/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lock that is held only for moments. Any thread may take it as soon as it is free, since that is fastest. But while
 * a thread has waited for long, newcomers must wait, too: otherwise a thread that takes the lock again and again could
 * keep a fork in another thread waiting for ever. It needs no memory and no name: all 0 is a free lock.
 */
#ifndef TM__LOCK_H
#define TM__LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct tm__lock {
    /*
     * The number of the thread that holds the lock, see tm__locker; 0: free. Taken with acquire, released with release,
     * so the holder sees what the one before it stored.
     */
    _Atomic uint32_t held;
    _Atomic uint32_t long_waiters; /* how many threads have waited for long; relaxed, since it only tells who may try */
};

/*
 * The calling thread's number among those that take locks; 0: it has none yet. The child of a fork keeps its parent's.
 */
extern _Thread_local uint32_t tm__locker __attribute__((tls_model("initial-exec"), visibility("hidden")));
uint32_t tm__become_locker(void);

/*
 * Whether the calling thread holds the lock: then the caller is a signal handler that interrupted the holder, or runs
 * in a fork's handlers, and must not wait. Relaxed: only the thread itself stores its own number.
 */
static inline bool tm__has_lock(const struct tm__lock *lock)
{
    return tm__locker != 0 && atomic_load_explicit(&lock->held, memory_order_relaxed) == tm__locker;
}

/*
 * Takes the lock if it is free, even if others have waited for long. It does so in one step, so that a signal handler
 * finds the lock either free, or taken together with the holder's number.
 */
static inline bool tm__try_lock(struct tm__lock *lock)
{
    uint32_t nobody = 0, me = tm__locker != 0 ? tm__locker : tm__become_locker();
    return atomic_compare_exchange_strong_explicit(&lock->held, &nobody, me, memory_order_acquire,
                                                   memory_order_relaxed);
}

static inline bool tm__take_lock(struct tm__lock *lock)
{
    return atomic_load_explicit(&lock->long_waiters, memory_order_relaxed) == 0 && tm__try_lock(lock);
}

void tm__wait_for_lock(struct tm__lock *lock);

static inline void tm__lock(struct tm__lock *lock)
{
    if (!tm__take_lock(lock))
        tm__wait_for_lock(lock);
}

/* The same, but if the calling thread holds the lock already it does nothing and returns false. */
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

/*
 * For the child of a fork, where no other thread holds the lock or waits for it. If a signal handler forked, the code
 * that it interrupted may hold the lock, and keeps it.
 */
void tm__reset_lock(struct tm__lock *lock);

#endif
