/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What tags cost as there are more of them, and more threads in them: a block in a tag with a limit that is far, and in
 * one whose limit is near, with 1 to 256 threads; and the first entry of a thread into its first, thousandth and
 * four-thousandth tag. Nanoseconds of the thread's own processor time, the least and the median of all rounds, since
 * other programs may run, too.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <threadmeter/limits.h>
#include <threadmeter/malloc.h>
#include <threadmeter/tags.h>
#include <time.h>

enum { MOST_THREADS = 256, ROUNDS = 7, PAIRS = 20000, SIZE = 64, MOST_TAGS = 4000, FIRST_ENTRIES = 64 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, int number, double *figures, size_t count)
{
    qsort(figures, count, sizeof *figures, compare);
    printf("%-44s %6d %10.1f %10.1f\n", what, number, figures[0], figures[count / 2]);
    fflush(stdout);
}

/* ---- threads in a tag with a limit ---- */

static pthread_barrier_t all_there;
static tm_tag entered;
static int pairs;
static double figures[MOST_THREADS * ROUNDS];

static void *allocate(void *figure)
{
    tm_tag_enter(entered);
    void *kept = tm_malloc(SIZE * 4); /* what follows is no new peak */
    tm_free(tm_malloc(SIZE * 4));
    pthread_barrier_wait(&all_there);
    double begin = now();
    for (int i = 0; i < pairs; i++)
        tm_free(tm_malloc(SIZE));
    *(double *)figure = (now() - begin) / pairs;
    pthread_barrier_wait(&all_there);
    tm_free(kept);
    return NULL;
}

/* The limit leaves `room` bytes to all threads together; 0: there is no limit. */
static void with_threads(const char *what, int threads, uint64_t room, int times)
{
    pthread_t running[MOST_THREADS];
    pairs = times;
    for (int round = 0; round < ROUNDS; round++) {
        entered = tm_tag_open("measured");
        tm_tag_limit(entered, room > 0 ? room + (uint64_t)threads * SIZE * 9 : 0);
        pthread_barrier_init(&all_there, NULL, (unsigned)threads);
        for (int i = 0; i < threads; i++)
            if (pthread_create(&running[i], NULL, allocate, &figures[round * threads + i]) != 0)
                abort();
        for (int i = 0; i < threads; i++)
            pthread_join(running[i], NULL);
        pthread_barrier_destroy(&all_there);
        tm_tag_close(entered);
    }
    print(what, threads, figures, (size_t)(ROUNDS * threads));
}

/* ---- the first entry ---- */

static tm_tag tags[MOST_TAGS];

struct first_entries {
    int tags_before;
    double figure;
};

static void *enter_first(void *arg)
{
    struct first_entries *entries = arg;
    tm_free(tm_malloc(1));
    int next = 0;
    while (next < entries->tags_before)
        tm_tag_enter(tags[next++]);
    double begin = now();
    for (int i = 0; i < FIRST_ENTRIES; i++)
        tm_tag_enter(tags[next++]);
    entries->figure = (now() - begin) / FIRST_ENTRIES;
    return NULL;
}

static void first_entries(int tags_before)
{
    for (int round = 0; round < ROUNDS * 3; round++) {
        struct first_entries entries = {.tags_before = tags_before};
        pthread_t thread;
        if (pthread_create(&thread, NULL, enter_first, &entries) != 0)
            abort();
        pthread_join(thread, NULL);
        figures[round] = entries.figure;
    }
    print("first entry of a tag, after so many others", tags_before, figures, (size_t)ROUNDS * 3);
}

int main(void)
{
    static const int threads[] = {1, 8, 64, 256};
    printf("%-44s %6s %10s %10s\n", "ns", "", "least", "median");
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)
        with_threads("malloc and free in a tag, threads", threads[i], 0, PAIRS);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)
        with_threads("the same with a limit that is far", threads[i], UINT64_C(1) << 24, PAIRS);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)
        with_threads("the same with a limit that is near", threads[i], (uint64_t)threads[i] * SIZE,
                     PAIRS / threads[i] + 20);
    for (int i = 0; i < MOST_TAGS; i++) {
        char name[TM_TAG_NAME_MAX + 1];
        snprintf(name, sizeof name, "tag %d", i);
        tags[i] = tm_tag_open(name);
    }
    first_entries(1);
    first_entries(1000);
    first_entries(MOST_TAGS - FIRST_ENTRIES);
    return 0;
}
