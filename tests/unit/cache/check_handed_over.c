/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cache/: what one thread freed, others allocate, without tcmalloc. Its own count of bytes in use is the oracle. Each test
 * is a process of its own, and says in the environment what it wants before its first block.
 */
#define _GNU_SOURCE
#include "cached_blocks.h"
#include "support/support.h"

#include <threadmeter/totals.h>

#include <pthread.h>

enum { MANY = 1000, SIZE = 64, LIST = 64 /* blocks of this size in a list */ };
static void *blocks[MANY];

/* The thread's lists of this size are as long as they can be, and nothing is in them nor in the depot. */
static void have_long_lists(void)
{
    static void *mine[SOME];
    allocate(mine, SOME, SIZE);
    free_all(mine, SOME);
    allocate(mine, SOME, SIZE);
}

static pthread_barrier_t gate;

static void *free_and_wait(void *unused)
{
    free_all(blocks, MANY);
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
    return unused;
}

/* It keeps a list of 64, its spare one, and what is left in its bin, 1000 - 15 * 64. */
START_TEST(who_allocates_has_what_others_free)
{
    enum { IN_DEPOT = MANY / LIST * LIST - LIST };
    have_a_cache();
    have_long_lists();
    allocate(blocks, MANY, SIZE);
    pthread_t thread;
    pthread_barrier_init(&gate, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, free_and_wait, NULL), 0);
    pthread_barrier_wait(&gate);
    size_t heap = heap_now();
    allocate(blocks, IN_DEPOT, SIZE);
    ck_assert_uint_eq(heap_now(), heap);
    expect_process_live((SOME + IN_DEPOT) * SIZE, SOME + IN_DEPOT);
    void *one_more = tm_malloc(SIZE);
    ck_assert_uint_gt(heap_now(), heap);
    tm_free(one_more);
    pthread_barrier_wait(&gate);
    pthread_join(thread, NULL);
}
END_TEST

static void *allocate_many(void *unused)
{
    allocate(blocks, MANY, SIZE);
    return unused;
}

static void *allocate_and_free_many(void *unused)
{
    allocate_many(NULL);
    free_all(blocks, MANY);
    return unused;
}

static void *free_many(void *unused)
{
    free_all(blocks, MANY);
    return unused;
}

START_TEST(who_exits_leaves_all_to_others)
{
    have_a_cache();
    have_long_lists();
    in_thread(allocate_and_free_many, NULL);
    size_t heap = heap_now();
    allocate(blocks, MANY, SIZE);
    ck_assert_uint_eq(heap_now(), heap);
    free_all(blocks, MANY);
}
END_TEST

/* The first 64 times tcmalloc got what it freed; by the 65th it has a cache. */
START_TEST(who_only_frees_has_a_cache_too)
{
    enum { BEFORE = 65 };
    allocate(blocks, MANY, SIZE);
    tm_flush_cache();
    size_t before = heap_now(), span = heap_bytes_for(16 + SIZE);
    in_thread(free_many, NULL);
    ck_assert_uint_eq(heap_now(), before - BEFORE * span);
    tm_flush_cache();
    ck_assert_uint_eq(heap_now(), before - MANY * span);
    expect_process_live(0, 0);
}
END_TEST

static void flush(void)
{
    tm_flush_cache();
}

static void trim(void)
{
    tm_malloc_trim(0);
}

static void (*const ways[])(void) = {flush, trim};

START_TEST(the_depot_is_emptied_by_all_who_flush)
{
    setenv("THREADMETER_CACHE", "1", 1);
    size_t before;
    ck_assert(heap_bytes(&before));
    in_thread(allocate_and_free_many, NULL);
    ck_assert_uint_gt(heap_now(), before + MANY * SIZE);
    errno = EDOM;
    ways[_i]();
    ck_assert_int_eq(errno, EDOM);
    ck_assert_uint_eq(heap_now(), before);
}
END_TEST

/*
 * One class is looked at every 256th time that a bin was found empty or full, and there are 56. Blocks of 0 bytes are
 * never kept, so each time that one is freed is such a time.
 */
START_TEST(what_nobody_needs_goes_back_in_time)
{
    enum { CLASSES = 56, LISTS = MANY / LIST + 1 };
    have_a_cache();
    size_t before = heap_now(), span = heap_bytes_for(16 + SIZE);
    in_thread(allocate_and_free_many, NULL);
    ck_assert_uint_eq(heap_now(), before + MANY * span);
    size_t last = heap_now();
    for (int i = 0; i <= LISTS; i++) {
        for (int j = 0; j < 256 * CLASSES; j++)
            tm_free(tm_malloc(0));
        size_t now = heap_now();
        ck_assert(i == 0 ? now == last : now < last && last - now <= LIST * span);
        last = now;
    }
    ck_assert_uint_eq(last, before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handed_over");
    TCase *tcase = add_case(suite, "handed_over", 60);
    tcase_add_test(tcase, who_allocates_has_what_others_free);
    tcase_add_test(tcase, who_exits_leaves_all_to_others);
    tcase_add_test(tcase, who_only_frees_has_a_cache_too);
    tcase_add_loop_test(tcase, the_depot_is_emptied_by_all_who_flush, 0, 2);
    tcase_add_test(tcase, what_nobody_needs_goes_back_in_time);
    return run_suite(suite);
}
