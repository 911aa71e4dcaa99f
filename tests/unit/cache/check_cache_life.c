/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cache/: when a thread has a cache, and that what it had when it exited can all be flushed; which blocks are kept is in
 * check_cache.c. tcmalloc's own count of bytes in use is the oracle. Each test is a process of its own, and
 * says in the environment what it wants before its first block.
 */
#define _GNU_SOURCE
#include "cached_blocks.h"
#include "support/support.h"

#include <pthread.h>

/* ---- threads that end, and forks ---- */

static void *come_and_go(void *arg)
{
    static __thread void *blocks[SOME];
    for (size_t size = 1; size <= LARGEST; size += 31) {
        allocate(blocks, SOME, size);
        free_all(blocks, SOME);
    }
    ck_assert_uint_gt(heap_now(), *(size_t *)arg + (64 << 10));
    return NULL;
}

START_TEST(what_a_thread_had_can_be_flushed)
{
    setenv("THREADMETER_CACHE", "1", 1);
    size_t before, after;
    ck_assert(heap_bytes(&before));
    for (int i = 0; i < 20; i++)
        in_thread(come_and_go, &before);
    ck_assert(heap_bytes(&after));
    ck_assert_uint_eq(after, before);
}
END_TEST

static pthread_key_t key;

/* Called in each round of destructors, before and after threadmeter's own. */
static void allocate_in_destructor(void *rounds)
{
    static __thread void *blocks[SOME];
    allocate(blocks, SOME, 200);
    free_all(blocks, SOME);
    if (--*(int *)rounds > 0)
        pthread_setspecific(key, rounds);
}

static void *allocate_while_exiting(void *rounds)
{
    pthread_setspecific(key, rounds);
    return NULL;
}

static void *allocate_then_exit(void *rounds)
{
    allocate_in_destructor(&(int){1});
    return allocate_while_exiting(rounds);
}

/* The thread attaches before its end, or during it, but not in the last round. */
START_TEST(what_it_had_while_it_exited_can_be_flushed)
{
    setenv("THREADMETER_CACHE", "1", 1);
    size_t before, after;
    ck_assert(heap_bytes(&before));
    if (_i == 1)
        tm_free(tm_malloc(1)); /* else its key comes before threadmeter's */
    ck_assert_int_eq(pthread_key_create(&key, allocate_in_destructor), 0);
    for (int rounds = 1; rounds <= 4; rounds++) {
        in_thread(allocate_then_exit, &(int){rounds});
        in_thread(allocate_while_exiting, &(int){rounds});
    }
    ck_assert(heap_bytes(&after));
    ck_assert_uint_eq(after, before);
    expect_process_live(0, 0);
}
END_TEST

static void allocate_in_child(void)
{
    static void *blocks[SOME];
    size_t before = heap_now();
    allocate(blocks, 10, 100);
    ck_assert_uint_eq(heap_now(), before);
    free_all(blocks, 10);
    expect_process_live(0, 0);
}

START_TEST(a_forks_child_has_what_its_thread_had)
{
    have_a_cache();
    static void *blocks[SOME];
    allocate(blocks, 10, 100);
    free_all(blocks, 10);
    in_child(allocate_in_child);
    allocate_in_child();
}
END_TEST

/* ---- when there is one ---- */

START_TEST(a_thread_that_allocates_little_has_none)
{
    size_t before;
    ck_assert(heap_bytes(&before));
    for (int i = 0; i < 32; i++)
        tm_free(tm_malloc(100));
    ck_assert_uint_eq(heap_now(), before);
    tm_free(tm_malloc(100));
    ck_assert_uint_gt(heap_now(), before);
}
END_TEST

START_TEST(flushed_it_is_gone_until_more_is_allocated)
{
    size_t before;
    tm_flush_cache(); /* there is none, nor a slot */
    ck_assert_uint_eq(count_slots(TM_LIVE), 0);
    ck_assert(heap_bytes(&before));
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < 32; i++)
            tm_free(tm_malloc(100));
        ck_assert_uint_eq(heap_now(), before);
        tm_free(tm_malloc(100));
        struct tm_totals totals = thread_totals(), flushed;
        ck_assert_uint_gt(heap_now(), before);
        errno = EDOM;
        tm_flush_cache();
        ck_assert_int_eq(errno, EDOM);
        ck_assert_uint_eq(heap_now(), before);
        flushed = thread_totals();
        ck_assert_mem_eq(&flushed, &totals, sizeof totals);
    }
}
END_TEST

/* With these variables, no thread has a cache. */
START_TEST(there_is_none_where_each_block_is_to_be_seen)
{
    static const char *const variables[][2] = {
        {"THREADMETER_CACHE", "0"},
        {"THREADMETER_GUARD", "1"},
        {"HEAPPROFILE", "/nowhere/profile"},
        {"HEAPCHECK", "normal"},
    };
    setenv(variables[_i][0], variables[_i][1], 1);
    size_t before;
    ck_assert(heap_bytes(&before));
    static void *blocks[SOME];
    for (int i = 0; i < 3; i++) {
        allocate(blocks, SOME, 100);
        free_all(blocks, SOME);
        ck_assert_uint_eq(heap_now(), before);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache_life");
    TCase *threads = add_case(suite, "threads", 60), *when = add_case(suite, "when", 60);
    tcase_add_test(threads, what_a_thread_had_can_be_flushed);
    tcase_add_loop_test(threads, what_it_had_while_it_exited_can_be_flushed, 0, 2);
    tcase_add_test(threads, a_forks_child_has_what_its_thread_had);
    tcase_add_test(when, a_thread_that_allocates_little_has_none);
    tcase_add_test(when, flushed_it_is_gone_until_more_is_allocated);
    tcase_add_loop_test(when, there_is_none_where_each_block_is_to_be_seen, 0, 4);
    return run_suite(suite);
}
