/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The depot: full lists of objects that no thread has. A thread whose bin and spare list are full leaves a list here, and
 * one that has neither takes it. So whole lists go from threads that free to threads that allocate, and what a thread
 * had serves others after its end. Each class has a lock, which nobody waits for: a thread that finds it taken does
 * without the depot. It knows nothing of what is in a list but its first link.
 */
#ifndef TM_DEPOT_H
#define TM_DEPOT_H

#include "cache/size_class.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether the depot took the list, which is not empty. It has room for a quarter of tm__cache_bytes in all. */
bool tm__depot_put(unsigned class, uint64_t list);

/* How many lists it has, of each class. */
extern _Atomic uint32_t tm__depot_lists[TM__CLASSES] __attribute__((visibility("hidden")));

/* Whether it is worthwhile to ask for a list. */
static inline bool tm__depot_has(unsigned class)
{
    return atomic_load_explicit(&tm__depot_lists[class], memory_order_relaxed) != 0;
}

/* The list that came last. 0: there is none, it has more than `most` objects, or another thread is here just now. */
uint64_t tm__depot_take(unsigned class, uint64_t most);

/* A list, if there was always one since the last call for this class: those who took some did not need it. Else 0. */
uint64_t tm__depot_take_idle(unsigned class);

/* In the child of a fork, where nobody holds a lock. */
void tm__depot_after_fork(void);

#endif
