/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "lock.h"
#include "cancel.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <time.h>

enum { PATIENCE = 100 }; /* tries */

/* Sleeps between tries: he who holds it may be of a priority to which nobody's yields give a chance. */
static void wait_impatiently(struct tm__lock *lock)
{
    int saved = errno, cancellation = tm__suspend_cancellation();
    atomic_fetch_add_explicit(&lock->impatient, 1, memory_order_relaxed);
    while (atomic_exchange_explicit(&lock->held, true, memory_order_acquire))
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    atomic_fetch_sub_explicit(&lock->impatient, 1, memory_order_relaxed);
    tm__resume_cancellation(cancellation);
    errno = saved;
}

void tm__wait_for_lock(struct tm__lock *lock)
{
    for (int tries = 0; tries < PATIENCE; tries++) {
        sched_yield();
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
