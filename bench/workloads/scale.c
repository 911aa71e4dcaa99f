/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The same work shared out to more and more threads: time for one operation of all, from when the first begins until the
 * last has ended. With as many processors as threads it halves from row to row; with two, from the first to the second.
 */
#include "sizes.h"
#include "started.h"
#include "workloads.h"

#include <stdatomic.h>

enum { OPERATIONS = 1 << 18, LIVE = 256, SHARED = 1 << 12, MOST_THREADS = 64 };

static uint16_t sizes[SIZES];
static void *_Atomic shared[SHARED];

struct task {
    void (*work)(struct task *task, unsigned operations);
    unsigned operations;
    uint64_t seed;
    void *live[LIVE];
    double began, ended;
};

static struct task tasks[MOST_THREADS];
static pthread_barrier_t all_there;

static void *some_block(uint64_t *seed)
{
    void *block = malloc(sizes[next_random(seed) >> 4 & (SIZES - 1)]);
    *(volatile char *)block = 1;
    return block;
}

static void replace_own(struct task *task, unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        void **at = &task->live[next_random(&task->seed) % LIVE];
        free(*at);
        *at = some_block(&task->seed);
    }
}

/* What a thread puts where another may take it, that one frees. */
static void replace_shared(struct task *task, unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        void *_Atomic *at = &shared[next_random(&task->seed) % SHARED];
        free(atomic_exchange_explicit(at, some_block(&task->seed), memory_order_acq_rel));
    }
}

static void *work(void *argument)
{
    struct task *task = argument;
    task->work(task, 4 * LIVE); /* a new thread's first allocations are another workload, ramp_up */
    pthread_barrier_wait(&all_there);
    task->began = now_ns();
    task->work(task, task->operations);
    task->ended = now_ns();
    for (unsigned i = 0; i < LIVE; i++) {
        free(task->live[i]);
        task->live[i] = NULL;
    }
    return NULL;
}

static double by_threads(unsigned threads, void (*body)(struct task *task, unsigned operations))
{
    pthread_t ids[MOST_THREADS];
    double began = 0, ended = 0;
    draw_sizes_of_programs(sizes);
    pthread_barrier_init(&all_there, NULL, threads);
    for (unsigned t = 0; t < threads; t++) {
        tasks[t].work = body;
        tasks[t].operations = OPERATIONS / threads;
        tasks[t].seed = t + 1;
        ids[t] = started(work, &tasks[t]);
    }
    for (unsigned t = 0; t < threads; t++) {
        pthread_join(ids[t], NULL);
        began = t == 0 || tasks[t].began < began ? tasks[t].began : began;
        ended = tasks[t].ended > ended ? tasks[t].ended : ended;
    }
    pthread_barrier_destroy(&all_there);
    for (unsigned i = 0; i < SHARED; i++)
        free(atomic_exchange(&shared[i], NULL));
    return (ended - began) / OPERATIONS;
}

double random_by_threads(unsigned threads)
{
    return by_threads(threads, replace_own);
}

double shared_by_threads(unsigned threads)
{
    return by_threads(threads, replace_shared);
}
