/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What metering costs: the same work by bare tcmalloc, by threadmeter and by glibc, in turn, in many short rounds of one
 * process on one processor. The ratio of one round's neighbours holds when the machine's speed does not.
 *
 *     bench [ROUNDS]
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <threadmeter/malloc.h>

enum { MOST_ROUNDS = 1000, CONTENDERS = 3 };

/* tcmalloc is found at run time, behind threadmeter: named on the link line it would take glibc's place. */
static struct contender {
    const char *name;
    void *(*malloc)(size_t);
    void (*free)(void *);
} contenders[CONTENDERS] = {{"tcmalloc", NULL, NULL}, {"threadmeter", tm_malloc, tm_free}, {"glibc", malloc, free}};

static uint64_t random_state = 1;

static uint32_t random_number(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(random_state >> 33);
}

static void pair(const struct contender *c, unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        void *volatile block = c->malloc(64);
        c->free(block);
    }
}

static void replace(const struct contender *c, void **live, unsigned mask, unsigned operations)
{
    random_state = 1;
    for (unsigned i = 0; i <= mask; i++)
        live[i] = NULL;
    for (unsigned i = 0; i < operations; i++) {
        uint32_t r = random_number();
        void **at = &live[r & mask];
        c->free(*at);
        *at = c->malloc((r >> 17 & 511) + 1);
        *(volatile char *)*at = 1;
    }
    for (unsigned i = 0; i <= mask; i++)
        c->free(live[i]);
}

static void *live[1 << 16];

static void random_1k(const struct contender *c, unsigned operations)
{
    replace(c, live, (1 << 10) - 1, operations);
}

static void random_64k(const struct contender *c, unsigned operations)
{
    replace(c, live, (1 << 16) - 1, operations);
}

static const struct {
    const char *name;
    void (*run)(const struct contender *, unsigned);
    unsigned operations;
} workloads[] = {
    {"64-byte malloc and free", pair, 200000},
    {"random sizes, 1 K live", random_1k, 200000},
    {"random sizes, 64 K live", random_64k, 400000},
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 61;
    if (rounds < 1 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "usage: bench [ROUNDS, 1 to %d]\n", MOST_ROUNDS);
        return 2;
    }
    contenders[0].malloc = dlsym(RTLD_DEFAULT, "tc_malloc");
    contenders[0].free = dlsym(RTLD_DEFAULT, "tc_free");
    if (!contenders[0].malloc || !contenders[0].free) {
        fprintf(stderr, "bench: no tcmalloc behind threadmeter\n");
        return 1;
    }
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);

    printf("%-26s %-12s %10s %10s %22s\n", "ns an operation", "", "min", "median", "median ratio to bare");
    for (size_t w = 0; w < sizeof workloads / sizeof workloads[0]; w++) {
        static double ns[CONTENDERS][MOST_ROUNDS], ratio[CONTENDERS][MOST_ROUNDS];
        for (unsigned round = 0; round <= rounds; round++) /* the first is a warm-up */
            for (int c = 0; c < CONTENDERS; c++) {
                double start = seconds();
                workloads[w].run(&contenders[c], workloads[w].operations);
                unsigned at = round ? round - 1 : 0;
                ns[c][at] = (seconds() - start) * 1e9 / workloads[w].operations;
                ratio[c][at] = ns[c][at] / ns[0][at];
            }
        for (int c = 0; c < CONTENDERS; c++) {
            qsort(ns[c], rounds, sizeof(double), ascending);
            qsort(ratio[c], rounds, sizeof(double), ascending);
            printf("%-26s %-12s %10.1f %10.1f %22.2f\n", c ? "" : workloads[w].name, contenders[c].name, ns[c][0],
                   ns[c][rounds / 2], ratio[c][rounds / 2]);
        }
    }
    return 0;
}
