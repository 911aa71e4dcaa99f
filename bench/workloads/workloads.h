/* SPDX-License-Identifier: BSD-3-Clause */
/* The workloads of every contender. The driver uses their names, a worker their code. */
#ifndef TM_BENCH_WORKLOADS_H
#define TM_BENCH_WORKLOADS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Name; group; how many processors it may use; what one operation is. The group FIRST is the fifteen that have been
 * measured since the first version, whose mean can be compared with older figures. README.md says what each imitates.
 */
#define WORKLOADS(X)                                                                                                   \
    X(pair, FIRST, 1, "malloc and free of 64 bytes")                                                                   \
    X(random_1k, FIRST, 1, "one of 1 K blocks replaced by one of 1 to 512 bytes")                                      \
    X(random_64k, FIRST, 1, "the same with 64 K blocks")                                                               \
    X(realloc_growth, FIRST, 1, "realloc to half as much again, from 16 bytes to 64 KiB")                              \
    X(calloc_1k, FIRST, 1, "one of 1 K blocks replaced by calloc")                                                     \
    X(memalign_1k, FIRST, 1, "one of 1 K blocks replaced by memalign, 32 to 4096")                                     \
    X(trace, FIRST, 1, "a call of a real program's trace")                                                             \
    X(ramp_up, FIRST, 1, "malloc, each a new peak of a new thread")                                                    \
    X(steady, FIRST, 1, "the same mallocs again, below the peak")                                                      \
    X(pair_2, FIRST, 2, "as pair, by two threads at once")                                                             \
    X(random_1k_2, FIRST, 2, "as random_1k, by two threads at once")                                                   \
    X(handover_free_only, FIRST, 2, "malloc by a producer, free by a consumer that never allocates")                   \
    X(fan_out_free_only, FIRST, 2, "malloc by a producer, free by one of eight consumers that never allocate")         \
    X(generations, FIRST, 2, "random_1k in blocks left by the thread before")                                          \
    X(churn, FIRST, 2, "a thread that starts, allocates 16 blocks, frees half, exits")                                 \
    X(handover, LATER, 2, "malloc by a producer, free by a consumer that has allocated once")                          \
    X(fan_out, LATER, 2, "malloc by a producer, free by one of eight consumers that have allocated once")              \
    X(larson, LATER, 2, "one of 5,000 blocks replaced by one of 8 to 1,000 bytes, by two threads and their heirs")     \
    X(mixed_half, LATER, 1, "one of 1 K blocks replaced, half of them of up to 512 bytes, half of 513 to 1,024")       \
    X(mixed_1000, LATER, 1, "one of 1 K blocks replaced by one of 1 to 1,000 bytes")                                   \
    X(mixed_4096, LATER, 1, "one of 1 K blocks replaced by one of 1 to 4,096 bytes")                                   \
    X(program_1k, LATER, 1, "one of 1 K blocks replaced by one of a real program's sizes")                             \
    X(program_1m, LATER, 1, "the same with 1 MiB of blocks")                                                           \
    X(program_10m, LATER, 1, "the same with 10 MiB")                                                                   \
    X(program_100m, LATER, 1, "the same with 100 MiB")                                                                 \
    X(written_1k, LATER, 1, "as random_1k, each block written when allocated and read before it is freed")             \
    X(written_64k, LATER, 1, "as random_64k, written and read")                                                        \
    X(written_handover, LATER, 2, "as handover, written by the producer and read by the consumer")

/*
 * The same with a parameter, for a row each; name, table, unit of the answer, processors, what is measured. Those about
 * memory are the first that their process does.
 */
#define SERIES(X)                                                                                                      \
    X(pair_by_size, sizes, ns, 1, "malloc and free of this many bytes")                                                \
    X(random_by_size, sizes, ns, 1, "one of 256 blocks replaced by one of half to one and a half times this many")     \
    X(random_by_threads, threads, ns, 2, "one of a thread's 256 blocks replaced, by this many threads at once")        \
    X(shared_by_threads, threads, ns, 2, "one of 4 K blocks of all threads replaced, by this many threads at once")    \
    X(idle_threads, memory, MiB, 2, "resident, 2,000 idle threads that freed 512 blocks each of sizes up to this")     \
    X(idle_threads_in_turn, memory, MiB, 2, "the same, where one thread worked after the other")                       \
    X(aligned_blocks, memory, bytes, 1, "resident for each block of this many bytes, aligned to as many")              \
    X(start_processes, processes, ms, 2, "processor time to start `true`, which ends, so many times, each")            \
    X(fork_processes, processes, ms, 2, "processor time of a fork with 1,000 blocks, so many times, each")

enum group { FIRST, LATER };

enum workload {
#define X(name, ...) name##_workload,
    WORKLOADS(X) SERIES(X)
#undef X
        WORKLOAD_COUNT
};

/* Each does its work once, which takes a few milliseconds, and returns the nanoseconds for one operation. */
#define X(name, group, processors, what) double name(void);
WORKLOADS(X)
#undef X

/* The same, but what they return is in the unit above. */
#define X(name, table, unit, processors, what) double name(unsigned parameter);
SERIES(X)
#undef X

/* What a worker is asked for. It answers with a double; 0 if it cannot. */
struct request {
    uint32_t workload, parameter;
};

/* What the workload `trace` replays; NULL if there is none. */
extern const char *trace_file;

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

/* Reads what programs would: a word of each line of the processor's caches. NULL if size is 0. */
static inline void read_block(const void *block, size_t size)
{
    for (size_t i = 0; i < size; i += 64)
        (void)((const volatile char *)block)[i];
}

static inline void write_block(void *block, size_t size)
{
    used(memset(block, 1, size));
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
