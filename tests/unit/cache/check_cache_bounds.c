/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cache/: how much is kept, at most, by one thread, by many, and in the depot. tcmalloc's own count of bytes in use is the
 * oracle. Each test is a process of its own, and says in the environment what it wants before its first block.
 */
#define _GNU_SOURCE
#include "cached_blocks.h"
#include "support/support.h"

#include <pthread.h>

#define ONE_MIB "1048576"
enum { MIB = 1 << 20, SHARE = MIB / 2 / 8, MOST_LISTS = 128, WAITING = 4 };

/* Blocks that are too many to be kept, with a budget of 1 MiB. */
static size_t too_many(size_t size)
{
    return 2 * most_of(size, SHARE) + MIB / class_bytes(size) / 4 + 10;
}

/* A list in the bin, a spare one, what waits, and in the depot what a quarter of a MiB has room for. */
static size_t most_kept(size_t size)
{
    size_t waiting = size * too_many(size) > 64 << 10 ? WAITING : 0;
    size_t most = most_of(size, SHARE), lists = MIB / 4 / (most * class_bytes(size));
    return (2 + (lists < MOST_LISTS ? lists : MOST_LISTS)) * most + waiting;
}

/* When all are full, a whole list goes back to tcmalloc at once: so the bin's own list may have any length. */
static void expect_most_kept(size_t size)
{
    size_t kept = kept_of(size, too_many(size));
    ck_assert_uint_le(kept, most_kept(size));
    ck_assert_uint_gt(kept, most_kept(size) - most_of(size, SHARE));
}

static void start_anew(void)
{
    tm_flush_cache();
    tm_free(tm_malloc(0)); /* by which there is a cache again */
}

START_TEST(without_a_budget_it_is_nothing)
{
    have_a_cache_of("0");
    for (size_t size = 16; size <= LARGEST; size = next_size(size))
        ck_assert_uint_eq(kept_of(size, SOME), 0);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(of_each_class_it_is_two_lists_and_the_depots)
{
    have_a_cache_of(ONE_MIB);
    for (size_t size = 16; size <= LARGEST; size = next_size(size)) {
        start_anew();
        expect_most_kept(size);
        start_anew();
        expect_most_kept(size == 16 ? 1 : size - 15); /* as large as most in the class */
        expect_process_live(0, 0);
    }
    ck_assert_uint_eq(kept_of(LARGEST + 1, SOME), 0);
}
END_TEST

/* ---- many threads ---- */

enum { MOST_THREADS = 16 };
static pthread_barrier_t gate;

/* Each has its turn to have as many lists as it can, and then is idle. */
static void *come_and_go(void *unused)
{
    static _Thread_local void *blocks[2000];
    for (size_t size = 16; size <= LARGEST; size = next_size(size)) {
        size_t count = MIB / 4 / class_bytes(size);
        if (count > 2000)
            count = 2000;
        allocate(blocks, count, size);
        free_all(blocks, count);
        allocate(blocks, count / 2, size); /* lists of the depot, too */
        free_all(blocks, count / 2);
    }
    return unused;
}

static void *leave_lists(void *size)
{
    static _Thread_local void *blocks[SOME];
    allocate(blocks, SOME, *(size_t *)size);
    free_all(blocks, SOME);
    return NULL;
}

/* Takes lists of threads that have exited. */
static void *inherit(void *unused)
{
    for (size_t size = 16; size <= LARGEST; size = next_size(size)) {
        in_thread(leave_lists, &size);
        for (int i = 0; i < 10; i++)
            tm_free(tm_malloc(size));
        void *blocks[3];
        allocate(blocks, 3, size); /* which empties a bin that is as in the beginning */
        free_all(blocks, 3);
    }
    return unused;
}

static void *(*what_they_did)(void *) = come_and_go;

static void *then_be_idle(void *unused)
{
    what_they_did(NULL);
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
    return unused;
}

static void with_idle_threads(int count, void (*then)(int count))
{
    pthread_t threads[MOST_THREADS];
    pthread_barrier_init(&gate, NULL, (unsigned)count + 1);
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, then_be_idle, NULL), 0);
    pthread_barrier_wait(&gate);
    then(count);
    pthread_barrier_wait(&gate);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&gate);
}

static size_t before_threads, of_a_cache;

/* The budget is in bytes of the classes. An object may be larger, where tcmalloc has fewer classes. */
static void expect_bounded(int count)
{
    size_t largest = 0;
    for (size_t size = 16; size <= LARGEST; size = next_size(size)) {
        size_t span = heap_bytes_for(class_bytes(size));
        if (span * 1000 / class_bytes(size) > largest)
            largest = span * 1000 / class_bytes(size);
    }
    size_t kept = heap_now() - before_threads;
    ck_assert_uint_le(kept, (size_t)count * of_a_cache + MIB / 4 * 3 / 1000 * (largest + 1));
    if (what_they_did == come_and_go)
        ck_assert_uint_gt(kept, MIB / 4 / 4 * 3 + count * (SHARE / 8));
}

static void prepare(void)
{
    before_threads = heap_now();
    have_a_cache_of(ONE_MIB);
    of_a_cache = heap_now() - before_threads;
    before_threads = heap_now();
}

START_TEST(in_all_it_is_three_quarters_of_the_budget)
{
    prepare();
    what_they_did = _i < 5 ? come_and_go : inherit;
    with_idle_threads(1 << _i % 5, expect_bounded);
    tm_flush_cache();
    ck_assert_uint_eq(heap_now(), before_threads - of_a_cache);
}
END_TEST

static void *use_large(void *unused)
{
    static _Thread_local void *blocks[SOME];
    for (size_t size = 1100; size <= LARGEST; size = next_size(size)) {
        allocate(blocks, SOME, size);
        free_all(blocks, SOME);
    }
    return unused;
}

static void expect_short_lists(int count)
{
    (void)count;
    for (size_t size = 16; size < 200; size = next_size(size))
        ck_assert_uint_gt(kept_of(size, SOME), most_of(size, 2 << 10));
}

/* However much others have, there is enough for lists of up to 1 KiB, but those of many threads. */
START_TEST(long_lists_leave_some_to_short_ones)
{
    have_a_cache_of(ONE_MIB);
    what_they_did = use_large;
    with_idle_threads(MOST_THREADS, expect_short_lists);
}
END_TEST

/* Whatever many threads had is there for others, when they have ended. */
START_TEST(a_budget_is_given_back)
{
    have_a_cache_of(ONE_MIB);
    for (int i = 0; i < 30; i++) {
        in_thread(come_and_go, NULL);
        if (i % 3 == 0)
            come_and_go(NULL);
        start_anew();
    }
    for (size_t size = 16; size <= LARGEST; size = next_size(size)) {
        start_anew();
        expect_most_kept(size);
    }
    /* The depot's, and a part of the lists'. */
    start_anew();
    size_t before = heap_now();
    come_and_go(NULL);
    size_t kept = heap_now() - before;
    ck_assert_uint_gt(kept, MIB / 4);
}
END_TEST

static void expect_a_budget_in_child(void)
{
    start_anew();
    expect_most_kept(100);
    start_anew();
    expect_most_kept(9000);
    tm_flush_cache();
}

static void fork_beside_idle_threads(int count)
{
    (void)count;
    in_child(expect_a_budget_in_child);
}

/* Its parent's other threads have all of it. */
START_TEST(a_forks_child_has_the_budget_to_itself)
{
    have_a_cache_of(ONE_MIB);
    with_idle_threads(4, fork_beside_idle_threads);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache_bounds");
    TCase *tcase = add_case(suite, "cache_bounds", 60);
    tcase_add_test(tcase, without_a_budget_it_is_nothing);
    tcase_add_test(tcase, of_each_class_it_is_two_lists_and_the_depots);
    tcase_add_loop_test(tcase, in_all_it_is_three_quarters_of_the_budget, 0, 10);
    tcase_add_test(tcase, long_lists_leave_some_to_short_ones);
    tcase_add_test(tcase, a_budget_is_given_back);
    tcase_add_test(tcase, a_forks_child_has_the_budget_to_itself);
    return run_suite(suite);
}
