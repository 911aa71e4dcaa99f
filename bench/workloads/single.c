/* SPDX-License-Identifier: BSD-3-Clause */
/* Workloads of one thread. */
#define _GNU_SOURCE
#include "workloads.h"

#include <malloc.h>
#include <pthread.h>
#include <string.h>

enum { SOME = 1 << 10, MANY = 1 << 16 };

static void *live[MANY];

static void free_all(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        free(live[i]);
        live[i] = NULL;
    }
}

double pair(void)
{
    enum { OPERATIONS = 200000 };
    double start = now_ns();
    for (unsigned i = 0; i < OPERATIONS; i++)
        free(used(malloc(64)));
    return (now_ns() - start) / OPERATIONS;
}

static double replaced(unsigned count, unsigned operations)
{
    double start = now_ns();
    replace(live, count - 1, operations, 1);
    double ns = now_ns() - start;
    free_all(count);
    return ns / operations;
}

double random_1k(void)
{
    return replaced(SOME, 200000);
}

double random_64k(void)
{
    return replaced(MANY, 300000);
}

double realloc_growth(void)
{
    enum { ROUNDS = 2000 };
    unsigned operations = 0;
    double start = now_ns();
    for (unsigned i = 0; i < ROUNDS; i++) {
        void *block = NULL;
        for (size_t size = 16; size <= 65536; size += size / 2, operations++)
            block = used(realloc(block, size));
        free(block);
    }
    return (now_ns() - start) / operations;
}

double calloc_1k(void)
{
    enum { OPERATIONS = 100000 };
    uint64_t seed = 1;
    double start = now_ns();
    for (unsigned i = 0; i < OPERATIONS; i++) {
        uint32_t r = next_random(&seed);
        void **at = &live[r % SOME];
        free(*at);
        *at = used(calloc((r >> 17 & 63) + 1, 8));
    }
    double ns = now_ns() - start;
    free_all(SOME);
    return ns / OPERATIONS;
}

double memalign_1k(void)
{
    enum { OPERATIONS = 30000 };
    uint64_t seed = 1;
    double start = now_ns();
    for (unsigned i = 0; i < OPERATIONS; i++) {
        uint32_t r = next_random(&seed);
        void **at = &live[r % SOME];
        free(*at);
        *at = used(memalign((size_t)32 << (r >> 26 & 7), (r >> 17 & 511) + 1));
    }
    double ns = now_ns() - start;
    free_all(SOME);
    return ns / OPERATIONS;
}

enum { BLOCKS = 4000, BETWEEN = 8 };

/* Keeps one of every few blocks, which share pages with the others, so that no memory is given back between rounds. */
static void keep_a_few(void)
{
    static void *kept[8 * BLOCKS];
    if (kept[0])
        return;
    uint64_t seed = 1;
    for (unsigned i = 0; i < 8 * BLOCKS; i++)
        kept[i] = malloc((next_random(&seed) & 255) + 1);
    for (unsigned i = 0; i < 8 * BLOCKS; i++)
        if (i % BETWEEN)
            free(kept[i]);
}

/* A new thread each time: its first allocations make new peaks, the same allocations again do not. */
static void *ramp(void *argument)
{
    double *ns = argument;
    for (int again = 0; again < 2; again++) {
        uint64_t seed = 1;
        double start = now_ns();
        for (unsigned i = 0; i < BLOCKS; i++)
            live[i] = used(malloc((next_random(&seed) & 255) + 1));
        ns[again] = (now_ns() - start) / BLOCKS;
        free_all(BLOCKS);
    }
    return NULL;
}

static double ramped(int again)
{
    pthread_t thread;
    double ns[2];
    keep_a_few();
    if (pthread_create(&thread, NULL, ramp, ns) != 0)
        abort();
    pthread_join(thread, NULL);
    return ns[again];
}

double ramp_up(void)
{
    return ramped(0);
}

double steady(void)
{
    return ramped(1);
}
