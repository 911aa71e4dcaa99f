/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A server whose threads come and go, as Larson and Krishnan described it ("Memory allocation for long-running server
 * applications", 1998): each thread replaces blocks at random, and then starts another thread, which takes over its
 * blocks. Sizes, blocks a thread and threads are those of mimalloc-bench's run; a thread lives for 100,000 replacements
 * instead of 500,000, so that a run of the benchmark takes milliseconds.
 */
#define _GNU_SOURCE
#include "started.h"
#include "workloads.h"

#include <semaphore.h>

enum { LINES = 2, LIVES = 3, BLOCKS = 5000, EACH = 100000, LEAST = 8, MOST = 1000 };

/* Threads that follow one another, and what they hand on. */
static struct line {
    void *blocks[BLOCKS];
    uint64_t seed;
    unsigned lives;
} lines[LINES];

static sem_t ended;

static void *some_block(uint64_t *seed)
{
    char *block = malloc(next_random(seed) % (MOST - LEAST + 1) + LEAST);
    *(volatile char *)block = 1;
    return block;
}

static void *live_once(void *argument)
{
    struct line *line = argument;
    uint64_t seed = line->seed;
    for (unsigned i = 0; i < EACH; i++) {
        void **at = &line->blocks[next_random(&seed) % BLOCKS];
        free(*at);
        *at = some_block(&seed);
    }
    line->seed = seed;
    if (++line->lives == LIVES)
        sem_post(&ended);
    else
        pthread_detach(started(live_once, line));
    return NULL;
}

double larson(void)
{
    sem_init(&ended, 0, 0);
    for (unsigned l = 0; l < LINES; l++) {
        lines[l].seed = l + 1;
        lines[l].lives = 0;
        for (unsigned i = 0; i < BLOCKS; i++)
            lines[l].blocks[i] = some_block(&lines[l].seed);
    }
    double start = now_ns();
    for (unsigned l = 0; l < LINES; l++)
        pthread_detach(started(live_once, &lines[l]));
    for (unsigned l = 0; l < LINES; l++)
        while (sem_wait(&ended) != 0) {
        }
    double ns = now_ns() - start;
    for (unsigned l = 0; l < LINES; l++)
        for (unsigned i = 0; i < BLOCKS; i++)
            free(lines[l].blocks[i]);
    return ns / (LIVES * EACH);
}
