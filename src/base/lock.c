/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/lock.h"
#include "base/kernel.h"

_Thread_local uint32_t tm__locker;

/*
 * Memory order does not matter here: each thread only needs a different number. A signal handler that interrupts this
 * takes a number of its own, and has released all locks when it returns.
 */
uint32_t tm__become_locker(void)
{
    static _Atomic uint32_t last;
    do
        tm__locker = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    while (tm__locker == 0);
    return tm__locker;
}

enum { TRIES = 100 };

/*
 * Never below 0: in a fork's child the count is reset, since the waiting threads are gone; but one wait may go on
 * there, of the code that was interrupted by the signal handler that forked.
 */
static void remove_long_waiter(struct tm__lock *lock)
{
    uint32_t count = atomic_load_explicit(&lock->long_waiters, memory_order_relaxed);
    while (count != 0 && !atomic_compare_exchange_weak_explicit(&lock->long_waiters, &count, count - 1,
                                                                memory_order_relaxed, memory_order_relaxed))
        ;
}

/*
 * Sleeps between tries: the thread that holds the lock may have a lower priority, and then yielding never lets it run.
 */
static void wait_long(struct tm__lock *lock)
{
    atomic_fetch_add_explicit(&lock->long_waiters, 1, memory_order_relaxed);
    while (!tm__try_lock(lock))
        tm__sys_nanosleep(50000);
    remove_long_waiter(lock);
}

void tm__wait_for_lock(struct tm__lock *lock)
{
    for (int tries = 0; tries < TRIES; tries++) {
        tm__sys_sched_yield();
        if (tm__take_lock(lock))
            return;
    }
    wait_long(lock);
}

void tm__reset_lock(struct tm__lock *lock)
{
    /*
     * Sequentially consistent by default; memory order does not matter here, as there is only one thread. The loads
     * come first so that pages which nobody has written to stay shared.
     */
    if (atomic_load(&lock->held) != 0 && !tm__has_lock(lock))
        tm__unlock(lock);
    if (atomic_load(&lock->long_waiters) != 0)
        atomic_store(&lock->long_waiters, 0);
}
