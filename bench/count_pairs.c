/* SPDX-License-Identifier: BSD-3-Clause */
#include "count_pairs.h"

#include <pthread.h>
#include <stdlib.h>

static void pairs_of(size_t size, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        void *volatile block = malloc(size);
        free(block);
    }
}

void count_pairs(size_t times)
{
    pairs_of(64, times);
}

void count_larger_pairs(size_t times)
{
    pairs_of(1000, times);
}

enum { THREADS = 4 };
static size_t each;
static pthread_barrier_t beginning;

static void *begin(void *unused)
{
    pthread_barrier_wait(&beginning);
    count_pairs(each);
    return unused;
}

void count_threads_pairs(size_t times)
{
    pthread_t threads[THREADS];
    each = times / THREADS;
    pthread_barrier_init(&beginning, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, begin, NULL) != 0)
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

enum { BATCH = 128 };
static void *batch[BATCH];
static size_t batches;
static pthread_barrier_t handing; /* there and back */

/* As most threads of programs, it has allocated something before. */
static void *free_batches(void *unused)
{
    free(malloc(64));
    for (size_t i = 0; i < batches; i++) {
        pthread_barrier_wait(&handing);
        for (int k = 0; k < BATCH; k++)
            free(batch[k]);
        pthread_barrier_wait(&handing);
    }
    return unused;
}

void count_handed_pairs(size_t times)
{
    pthread_t consumer;
    unsigned random = 1;
    batches = times / BATCH;
    pthread_barrier_init(&handing, NULL, 2);
    if (pthread_create(&consumer, NULL, free_batches, NULL) != 0)
        abort();
    for (size_t i = 0; i < batches; i++) {
        for (int k = 0; k < BATCH; k++) {
            random = random * 1103515245U + 12345U;
            batch[k] = malloc((random >> 16 & 255) + 1);
        }
        pthread_barrier_wait(&handing);
        pthread_barrier_wait(&handing);
    }
    pthread_join(consumer, NULL);
}
