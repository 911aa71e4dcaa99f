/* SPDX-License-Identifier: BSD-3-Clause */
/* Workloads of several threads that share nothing, or follow one another. */
#define _GNU_SOURCE
#include "processors.h"
#include "started.h"
#include "workloads.h"

/* ---- the same work by two threads that share nothing ---- */

enum { SOME = 1 << 10, OPERATIONS = 200000 };

static void *pairs(void *argument)
{
    for (unsigned i = 0; i < OPERATIONS; i++)
        free(used(malloc(64)));
    return argument;
}

static void *replacements(void *argument)
{
    void **live = argument;
    replace(live, SOME - 1, OPERATIONS, 1);
    for (unsigned i = 0; i < SOME; i++) {
        free(live[i]);
        live[i] = NULL;
    }
    return NULL;
}

struct half {
    void *(*body)(void *);
    void *argument;
    int processor;
    double ns;
};

static pthread_barrier_t both;

static void *one_half(void *argument)
{
    struct half *half = argument;
    stay_on_processor(half->processor);
    pthread_barrier_wait(&both);
    double start = now_ns();
    half->body(half->argument);
    half->ns = now_ns() - start;
    return NULL;
}

/* Each thread stays on its own processor; otherwise the kernel would sometimes let one wait for the other. */
static double by_two(void *(*body)(void *))
{
    static void *live[2][SOME];
    struct half halves[2] = {{body, live[0], 0, 0}, {body, live[1], 1, 0}};
    pthread_barrier_init(&both, NULL, 2);
    pthread_t one = started(one_half, &halves[0]), other = started(one_half, &halves[1]);
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    pthread_barrier_destroy(&both);
    return (halves[0].ns + halves[1].ns) / 2 / OPERATIONS;
}

double pair_2(void)
{
    return by_two(pairs);
}

double random_1k_2(void)
{
    return by_two(replacements);
}

/* ---- threads that start and exit ---- */

enum { GENERATIONS = 8, OPERATIONS_EACH = 10000 };

struct inheritance {
    void *live[SOME];
    unsigned generation;
};

/* Each thread replaces blocks that the thread before it left, as in the Larson benchmark. */
static void *inherit(void *argument)
{
    struct inheritance *inheritance = argument;
    replace(inheritance->live, SOME - 1, OPERATIONS_EACH, ++inheritance->generation);
    return NULL;
}

double generations(void)
{
    static struct inheritance inheritances[2];
    double start = now_ns();
    for (unsigned g = 0; g < GENERATIONS; g++) {
        pthread_t other = started(inherit, &inheritances[1]), one = started(inherit, &inheritances[0]);
        pthread_join(one, NULL);
        pthread_join(other, NULL);
    }
    double ns = now_ns() - start;
    for (unsigned e = 0; e < 2; e++) {
        inheritances[e].generation = 0;
        for (unsigned i = 0; i < SOME; i++) {
            free(inheritances[e].live[i]);
            inheritances[e].live[i] = NULL;
        }
    }
    return ns / (GENERATIONS * OPERATIONS_EACH);
}

static void *short_life(void *argument)
{
    void **left = argument;
    for (unsigned i = 0; i < 8; i++) {
        left[i] = malloc(64);
        free(used(malloc(100)));
    }
    return NULL;
}

double churn(void)
{
    enum { THREADS = 100 };
    static void *left[THREADS][8];
    double start = now_ns();
    for (unsigned t = 0; t < THREADS; t++)
        pthread_join(started(short_life, left[t]), NULL);
    double ns = now_ns() - start;
    for (unsigned t = 0; t < THREADS; t++)
        for (unsigned i = 0; i < 8; i++)
            free(left[t][i]);
    return ns / THREADS;
}
