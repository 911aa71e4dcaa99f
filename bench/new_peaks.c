/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a new peak costs on a thread that owns blocks in many tags, and what it costs there to read the thread's totals:
 * new_peaks [ROUNDS]. Each malloc of 64 bytes is a new peak here. "Others freed": another thread has freed a block of
 * each tag before. What is printed is Markdown.
 */
#define _GNU_SOURCE
#include "workloads/workloads.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <threadmeter/malloc.h>
#include <threadmeter/tags.h>
#include <threadmeter/totals.h>

enum { MOST_TAGS = 4000, MOST_ROUNDS = 1000, PEAKS = 1000, READS = 50 };

static int tags, rounds = 41;
static bool freed_by_others;
static void *given[MOST_TAGS], *kept[MOST_TAGS];

static void *free_given(void *unused)
{
    for (int i = 0; i < tags; i++)
        tm_free(given[i]);
    return unused;
}

static void own_blocks_in_tags(void)
{
    char name[16];
    for (int i = 0; i < tags; i++) {
        snprintf(name, sizeof name, "tag %d", i);
        tm_tag_enter(tm_tag_open(name));
        kept[i] = tm_malloc(10);
        given[i] = tm_malloc(20);
    }
    pthread_t other;
    if (freed_by_others && pthread_create(&other, NULL, free_given, NULL) == 0)
        pthread_join(other, NULL);
}

static double new_peaks(void)
{
    static void *blocks[PEAKS];
    struct tm_totals totals;
    tm_thread_totals(&totals);
    void *up_to_peak = tm_malloc(totals.peak_bytes - tm_live_bytes(&totals) + 1);
    double start = now_ns();
    for (int i = 0; i < PEAKS; i++)
        blocks[i] = tm_malloc(64);
    double ns = (now_ns() - start) / PEAKS;
    for (int i = 0; i < PEAKS; i++)
        tm_free(blocks[i]);
    tm_free(up_to_peak);
    return ns;
}

static double reads(void)
{
    struct tm_totals totals;
    double start = now_ns();
    for (int i = 0; i < READS; i++) {
        tm_thread_totals(&totals);
        used(&totals);
    }
    return (now_ns() - start) / READS;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Each measurement is of a new thread, which has no tags yet. */
static void *measure(void *result)
{
    static double peak_ns[MOST_ROUNDS], read_ns[MOST_ROUNDS];
    own_blocks_in_tags();
    for (int i = 0; i < rounds; i++) {
        peak_ns[i] = new_peaks();
        read_ns[i] = reads();
    }
    qsort(peak_ns, (size_t)rounds, sizeof *peak_ns, ascending);
    qsort(read_ns, (size_t)rounds, sizeof *read_ns, ascending);
    ((double *)result)[0] = peak_ns[rounds / 2];
    ((double *)result)[1] = read_ns[rounds / 2];
    for (int i = 0; i < tags; i++) {
        tm_free(kept[i]);
        if (!freed_by_others)
            tm_free(given[i]);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static const int numbers[] = {0, 1, 10, 1000, 4000};
    if (argc > 1 && ((rounds = atoi(argv[1])) < 1 || rounds > MOST_ROUNDS)) {
        fprintf(stderr, "usage: new_peaks [ROUNDS], of %d at most\n", MOST_ROUNDS);
        return 2;
    }
    puts("| ns, median | new peak | others freed | tm_thread_totals | others freed |\n|---|---:|---:|---:|---:|");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double ns[2][2];
        tags = numbers[i];
        for (int freed = 0; freed < 2; freed++) {
            pthread_t thread;
            freed_by_others = freed;
            if (pthread_create(&thread, NULL, measure, ns[freed]) != 0)
                return 1;
            pthread_join(thread, NULL);
        }
        printf("| %d tags | %.1f | %.1f | %.1f | %.1f |\n", tags, ns[0][0], ns[1][0], ns[0][1], ns[1][1]);
    }
    return 0;
}
