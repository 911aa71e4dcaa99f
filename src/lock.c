/* SPDX-License-Identifier: BSD-3-Clause */
#include "lock.h"
#include "kernel.h"

enum { PATIENCE = 100 }; /* tries */

/* Sleeps between tries: he who holds it may be of a priority to which nobody's yields give a chance. */
static void wait_impatiently(struct tm__lock *lock)
{
    atomic_fetch_add_explicit(&lock->impatient, 1, memory_order_relaxed);
    while (atomic_exchange_explicit(&lock->held, true, memory_order_acquire))
        tm__sys_nanosleep(50000);
    atomic_fetch_sub_explicit(&lock->impatient, 1, memory_order_relaxed);
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
    if (atomic_load(&lock->held))
        tm__unlock(lock);
    if (atomic_load(&lock->impatient) != 0)
        atomic_store(&lock->impatient, 0);
}
