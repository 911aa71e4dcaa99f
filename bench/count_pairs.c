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
