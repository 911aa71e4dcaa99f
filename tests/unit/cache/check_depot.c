/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * depot.c by itself: a list is a number to it, of which only the count of objects in the low bits matters. And what the
 * calling thread's cache is.
 */
#define _GNU_SOURCE
#include "cache/depot.h"
#include "base/options.h"
#include "block/thread_cache.h"
#include "support/support.h"

enum { CLASS = 6, OTHER = 7, MOST = 128 /* lists of a class */ };

static uint64_t list(uint64_t address, uint64_t count)
{
    return address << 16 | count;
}

static void with_room_for(uint64_t bytes)
{
    tm_free(tm_malloc(1)); /* by which the options are read */
    tm__cache_bytes = bytes * 4;
}

START_TEST(a_list_is_taken_once_the_last_first)
{
    with_room_for(1 << 20);
    ck_assert(!tm__depot_has(CLASS));
    ck_assert_uint_eq(tm__depot_take(CLASS, 64), 0);
    for (uint64_t i = 1; i <= 3; i++)
        ck_assert(tm__depot_put(CLASS, list(i, 10)));
    ck_assert(tm__depot_has(CLASS));
    ck_assert(!tm__depot_has(OTHER));
    ck_assert_uint_eq(tm__depot_take(OTHER, 64), 0);
    for (uint64_t i = 3; i >= 1; i--)
        ck_assert_uint_eq(tm__depot_take(CLASS, 64), list(i, 10));
    ck_assert_uint_eq(tm__depot_take(CLASS, 64), 0);
    ck_assert(!tm__depot_has(CLASS));
}
END_TEST

START_TEST(a_list_that_is_too_long_stays)
{
    with_room_for(1 << 20);
    ck_assert(tm__depot_put(CLASS, list(1, 10)));
    ck_assert_uint_eq(tm__depot_take(CLASS, 9), 0);
    ck_assert(tm__depot_has(CLASS));
    ck_assert_uint_eq(tm__depot_take(CLASS, 10), list(1, 10));
}
END_TEST

START_TEST(of_each_class_there_are_128_lists_at_most)
{
    with_room_for(1 << 30);
    for (uint64_t i = 1; i <= MOST; i++)
        ck_assert(tm__depot_put(CLASS, list(i, 64)));
    ck_assert(!tm__depot_put(CLASS, list(MOST + 1, 64)));
    ck_assert(tm__depot_put(OTHER, list(1, 64)));
    ck_assert_uint_eq(tm__depot_take(CLASS, 64), list(MOST, 64));
    ck_assert(tm__depot_put(CLASS, list(MOST + 1, 64)));
}
END_TEST

/* Of all classes together: as many bytes as there is room for, and what was taken or refused leaves its room. */
START_TEST(in_all_there_is_a_quarter_of_the_budget)
{
    size_t bytes = 10 * tm__class_bytes(CLASS);
    with_room_for(5 * bytes);
    for (int again = 0; again < 1000; again++) {
        for (uint64_t i = 1; i <= 4; i++)
            ck_assert(tm__depot_put(CLASS, list(i, 10)));
        ck_assert(tm__depot_put(OTHER, list(1, 8))); /* 896 bytes; 960 would fit */
        ck_assert(!tm__depot_put(OTHER, list(2, 1)));
        ck_assert(!tm__depot_put(CLASS, list(5, 1)));
        for (int i = 0; i < 4; i++)
            ck_assert_uint_ne(tm__depot_take(CLASS, 64), 0);
        ck_assert_uint_ne(tm__depot_take(OTHER, 64), 0);
    }
    with_room_for(0);
    ck_assert(!tm__depot_put(CLASS, list(1, 1)));
}
END_TEST

START_TEST(idle_is_what_nobody_needed_since_the_last_look)
{
    with_room_for(1 << 20);
    ck_assert_uint_eq(tm__depot_take_idle(CLASS), 0);
    for (uint64_t i = 1; i <= 5; i++)
        ck_assert(tm__depot_put(CLASS, list(i, 10)));
    ck_assert_uint_eq(tm__depot_take_idle(CLASS), 0); /* they have just come */
    for (int i = 0; i < 4; i++)
        ck_assert_uint_ne(tm__depot_take(CLASS, 64), 0);
    for (uint64_t i = 2; i <= 5; i++)
        ck_assert(tm__depot_put(CLASS, list(i, 10)));
    ck_assert_uint_ne(tm__depot_take_idle(CLASS), 0); /* one was always here */
    for (int i = 0; i < 4; i++)
        ck_assert_uint_ne(tm__depot_take(CLASS, 64), 0);
    ck_assert(tm__depot_put(CLASS, list(6, 10)));
    ck_assert_uint_eq(tm__depot_take_idle(CLASS), 0); /* for a moment there was none */
    ck_assert_uint_eq(tm__depot_take_idle(CLASS), list(6, 10));
    ck_assert_uint_eq(tm__depot_take_idle(CLASS), 0);
    ck_assert(!tm__depot_has(CLASS));
}
END_TEST

/* In each build with a depot, also where libc is the backend: else a sanitizer would look at no cache at all. */
START_TEST(a_thread_has_a_cache_if_it_wants_one)
{
    setenv("THREADMETER_CACHE", "1", 1);
    tm_free(tm_malloc(1));
    ck_assert_ptr_ne(tm__thread.cache, &tm__no_cache);
    char *block = tm_malloc(100);
    tm_free(block);
    ck_assert_ptr_eq(tm_malloc(100), block);
    tm_free(block);
    tm_flush_cache();
    ck_assert_ptr_eq(tm__thread.cache, &tm__no_cache);
}
END_TEST

/* A signal handler may flush the cache, after malloc or free has looked up a bin in it, and open another one. */
START_TEST(a_bin_of_another_cache_is_as_good_as_none)
{
    static struct tm__cache another;
    struct tm__bin *stale = &another.bins[8];
    setenv("THREADMETER_CACHE", "1", 1);
    tm_free(tm_malloc(1));
    for (int i = 0; i < 3; i++) {
        struct tm__header *object = tm__object_for_empty_bin(stale, 100);
        ck_assert_ptr_nonnull(object);
        tm__free_to_full_bin(stale, object);
        ck_assert(!tm__may_refill_bin(tm__thread.cache, stale));
    }
    tm_flush_cache();
    ck_assert_uint_eq(stale->first, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("depot");
    TCase *tcase = tcase_create("depot"); /* without the invariant: the lists here are of nothing */
    tcase_set_timeout(tcase, 30);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_list_is_taken_once_the_last_first);
    tcase_add_test(tcase, a_list_that_is_too_long_stays);
    tcase_add_test(tcase, of_each_class_there_are_128_lists_at_most);
    tcase_add_test(tcase, in_all_there_is_a_quarter_of_the_budget);
    tcase_add_test(tcase, a_thread_has_a_cache_if_it_wants_one);
    tcase_add_test(tcase, a_bin_of_another_cache_is_as_good_as_none);
    tcase_add_test(tcase, idle_is_what_nobody_needed_since_the_last_look);
    return run_suite(suite);
}
