/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters that one thread writes and any thread reads. Knows nothing of slots. */
#ifndef TM_COUNTER_H
#define TM_COUNTER_H

#include "base/sanitizers.h"

#include <stdatomic.h>
#include <stdint.h>

/* Relaxed: for the only writer, or where what came before the value is known by other means, or does not matter. */
static inline uint64_t tm__load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void tm__store(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

/* Whoever sees the value by an acquiring load sees what came before. */
static inline void tm__store_release(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_release);
}

/*
 * Adds to a counter of which the caller is the only writer. Released: whoever sees the sum sees what came before.
 *
 * In one instruction where stores are released anyway: of a load and a store that are atomic compilers make three,
 * which costs a twentieth of malloc and free together. Not atomic, nor need it be; but a sanitizer would not see it.
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
 * What is the caller's own, but that another thread may store to. Compilers fold no atomic load into a comparison,
 * which costs an instruction; a sanitizer wants one.
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
