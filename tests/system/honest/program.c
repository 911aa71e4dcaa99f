/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Valid pointers where tcmalloc is the process's malloc: tm_free gets objects of plain malloc which are where our
 * blocks were, and still have remains of our headers before them. The library must not report any, with each setting
 * of tcmalloc in the environment, and must count each as a foreign free.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>

enum { COUNT = 3000, LARGEST = 40000, PAGE = 8192 };

static _Thread_local void *blocks[COUNT];
static bool with_words;
static _Thread_local uint64_t freed, state = 88172645463325252;

static size_t next(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

/* A block of any kind in an object of this size; an aligned one begins further after the beginning of the object. */
static void *ours(size_t span)
{
    size_t alignment = (size_t)32 << next(8);
    if (next(3) == 0 && span > alignment + 32)
        return tm_memalign(alignment, span - alignment - 16);
    return span > 2000 && next(4) == 0 ? tm_realloc(tm_malloc(span - span / 8), span - 16) : tm_malloc(span - 16);
}

/* At the end of an object: old contents, or one of these words, small numbers and constants that programs use. */
static void *theirs(size_t span)
{
    static const uint64_t words[] = {0,
                                     20,
                                     UINT64_MAX,
                                     UINT64_C(0x9e3779b9) << 32 | 20,
                                     (UINT64_C(0x9e3779b9) ^ 2) << 32 | 96,
                                     UINT64_C(0x9e3779b97f4a7c15)};
    size_t wanted = span - next(16);
    char *object = next(8) == 0 ? memalign((size_t)16 << next(10), wanted) : malloc(wanted);
    if (with_words && next(2) == 0)
        memcpy(object + wanted / 8 * 8 - 8, &words[next(sizeof words / sizeof words[0])], 8);
    return object;
}

static void free_all(void)
{
    for (int i = 0; i < COUNT; i++)
        tm_free(blocks[i]);
}

static void reuse(size_t span, size_t shift)
{
    for (int i = 0; i < COUNT; i++)
        blocks[i] = ours(span);
    free_all();
    malloc_trim(0);                        /* joins the free pages to one span again, */
    void *page = malloc(PAGE * shift + 1); /* in which the next objects begin some pages later */
    for (int i = 0; i < COUNT; i++)
        blocks[i] = theirs(span);
    free_all();
    freed += COUNT;
    free(page);
}

static void *work(void *sum)
{
    for (size_t round = 0; round < 2; round++)
        for (size_t span = 32; span < LARGEST; span += span < 512 ? 16 : span / 6 / 16 * 16)
            reuse(span, 1 + (round + span / 16) % 8);
    *(uint64_t *)sum = freed;
    return NULL;
}

int main(int argc, char **argv)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    uint64_t sums[THREADS] = {0}, freed = 0;
    int count = argc > 1 && strcmp(argv[1], "threads") == 0 ? THREADS : 1;
    with_words = argc > 1;
    free(malloc(64 << 20)); /* all that follows is in this span */
    malloc_trim(0);         /* glibc's, whose first call sets its heap up, which two threads must not do at once */
    for (int i = 1; i < count; i++)
        if (pthread_create(&threads[i], NULL, work, &sums[i]) != 0)
            return 2;
    work(&sums[0]);
    for (int i = 0; i < count; i++)
        freed += (i == 0 || pthread_join(threads[i], NULL) == 0) ? sums[i] : 0;
    struct tm_cross_allocator_calls cross_allocator_calls;
    tm_process_cross_allocator_calls(&cross_allocator_calls);
    if (cross_allocator_calls.foreign_frees == freed && cross_allocator_calls.errors_reported == 0)
        return 0;
    fprintf(stderr, "%llu of %llu objects freed\n", (unsigned long long)cross_allocator_calls.foreign_frees,
            (unsigned long long)freed);
    return 1;
}
