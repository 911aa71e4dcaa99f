/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/lock.h"
#include "base/kernel.h"

_Thread_local uint32_t tm__locker;

/* Of whatever order: each is another. A handler in between has one of its own, and gave all locks when it returns. */
uint32_t tm__become_locker(void)
{
    static _Atomic uint32_t last;
    do
        tm__locker = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    while (tm__locker == 0);
    return tm__locker;
}

enum { PATIENCE = 100 }; /* tries */

/* Not below 0: in a fork's child those who waited are none, and one may go on, below the handler that forked. */
static void become_patient(struct tm__lock *lock)
{
    uint32_t count = atomic_load_explicit(&lock->impatient, memory_order_relaxed);
    while (count != 0 && !atomic_compare_exchange_weak_explicit(&lock->impatient, &count, count - 1,
                                                                memory_order_relaxed, memory_order_relaxed))
        ;
}

/* Sleeps between tries: he who holds it may be of a priority to which nobody's yields give a chance. */
static void wait_impatiently(struct tm__lock *lock)
{
    atomic_fetch_add_explicit(&lock->impatient, 1, memory_order_relaxed);
    while (!tm__try_lock(lock))
        tm__sys_nanosleep(50000);
    become_patient(lock);
}

void tm__wait_for_lock(struct tm__lock *lock)
{
    for (int tries = 0; tries < PATIENCE; tries++) {
        tm__sys_sched_yield();
        if (tm__take_lock(lock))
            return;
    }
    wait_impatiently(lock);
}

void tm__reset_lock(struct tm__lock *lock)
{
    /* Of the default order, which nobody needs: there is one thread. Looked at first: untouched memory stays so. */
    if (atomic_load(&lock->held) != 0 && !tm__has_lock(lock))
        tm__unlock(lock);
    if (atomic_load(&lock->impatient) != 0)
        atomic_store(&lock->impatient, 0);
}
