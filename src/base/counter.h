/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters that one thread writes and any thread reads. This file knows nothing of slots. */
#ifndef TM_COUNTER_H
#define TM_COUNTER_H

#include "base/sanitizers.h"

#include <stdatomic.h>
#include <stdint.h>

/*
 * Relaxed: for the counter's only writer, or where earlier stores are known to be visible by other means, or do not
 * matter.
 */
static inline uint64_t tm__load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void tm__store(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

/* A thread that reads this value by an acquire load also sees all that the writer stored before. */
static inline void tm__store_release(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_release);
}

/*
 * Adds to a counter of which the caller is the only writer. This is a release: a thread that acquires the sum also sees
 * all that the writer stored before.
 *
 * On x86-64 every store is a release, so one instruction is enough. Compilers make three of an atomic load and an
 * atomic store, which costs a twentieth of the time of malloc and free together. The instruction is not an atomic
 * addition, and need not be one; but a thread sanitizer cannot see it, and gets the portable form.
 */
#if defined(__x86_64__) && !defined(TM__TSAN)
static inline void tm__add_own(_Atomic uint64_t *counter, uint64_t n)
{
    __asm__ volatile("addq %1, %0" : "+m"(*(uint64_t *)counter) : "er"(n) : "cc", "memory");
}
#else
static inline void tm__add_own(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, tm__load(counter) + n, memory_order_release);
}
#endif

/*
 * For a value of the calling thread's own that another thread may store to. Compilers fold no atomic load into a
 * comparison, which would cost one more instruction; a thread sanitizer needs the atomic load.
 */
static inline uint64_t tm__load_own(const uint64_t *value)
{
#ifdef TM__TSAN
    return __atomic_load_n(value, __ATOMIC_RELAXED);
#else
    return *value;
#endif
}

#endif
