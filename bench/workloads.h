/* SPDX-License-Identifier: BSD-3-Clause */
/* The workloads of every contender. The driver uses their names, a worker their code. */
#ifndef TM_BENCH_WORKLOADS_H
#define TM_BENCH_WORKLOADS_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* name, how many processors it may use, what one operation is */
#define WORKLOADS(X)                                                                                                   \
    X(pair, 1, "malloc and free of 64 bytes")                                                                          \
    X(random_1k, 1, "one of 1 K blocks replaced by one of 1 to 512 bytes")                                             \
    X(random_64k, 1, "the same with 64 K blocks")                                                                      \
    X(realloc_growth, 1, "realloc to half as much again, from 16 bytes to 64 KiB")                                     \
    X(calloc_1k, 1, "one of 1 K blocks replaced by calloc")                                                            \
    X(memalign_1k, 1, "one of 1 K blocks replaced by memalign, 32 to 4096")                                            \
    X(trace, 1, "a call of a real program's trace")                                                                    \
    X(ramp_up, 1, "malloc, each a new peak of a new thread")                                                           \
    X(steady, 1, "the same mallocs again, below the peak")                                                             \
    X(pair_2, 2, "as pair, by two threads at once")                                                                    \
    X(random_1k_2, 2, "as random_1k, by two threads at once")                                                          \
    X(handover, 2, "malloc by a producer, free by a consumer")                                                         \
    X(fan_out, 2, "malloc by a producer, free by one of eight consumers")                                              \
    X(generations, 2, "random_1k in blocks left by the thread before")                                                 \
    X(churn, 2, "a thread that starts, allocates 16 blocks, frees half, exits")

enum workload {
#define X(name, processors, what) name##_workload,
    WORKLOADS(X)
#undef X
        WORKLOAD_COUNT
};

/* Each does its work once, which takes a few milliseconds, and returns the nanoseconds for one operation. */
#define X(name, processors, what) double name(void);
WORKLOADS(X)
#undef X

/* Loads the trace to replay; false if it cannot be read. */
int load_trace(const char *file);

static inline double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*state >> 33);
}

/* Makes the compiler assume that the block is used. */
static inline void *used(void *block)
{
    __asm__ volatile("" : "+r"(block) : : "memory");
    return block;
}

/* Replaces random blocks of live[0 .. mask] by others of 1 to 512 bytes. */
static inline void replace(void **live, unsigned mask, unsigned operations, uint64_t seed)
{
    for (unsigned i = 0; i < operations; i++) {
        uint32_t r = next_random(&seed);
        void **at = &live[r & mask];
        free(*at);
        *at = malloc((r >> 17 & 511) + 1);
        *(volatile char *)*at = 1;
    }
}

#endif
