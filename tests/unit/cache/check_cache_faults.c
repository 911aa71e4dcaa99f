/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cache/: there is no memory for a cache, a hook makes it meanwhile, or no destructor will run at the thread's end.
 * The linker puts the functions below in front of those that are called then; no object may be lost.
 */
#define _GNU_SOURCE
#include "cache/cache.h"
#include "support/support.h"

#include <pthread.h>

enum { CACHE = (sizeof(struct tm__cache) + 15) / 16 * 16, ENOUGH = 40 /* blocks to be given one */ };

static bool no_memory_for_it, no_end_is_told;
static void (*meanwhile)(void);
static long objects_out;

void *__real_tc_malloc(size_t size);
void *__wrap_tc_malloc(size_t size);
void *__wrap_tc_malloc(size_t size)
{
    if (size == CACHE && no_memory_for_it) {
        errno = ENOMEM;
        return NULL;
    }
    void (*call)(void) = size == CACHE ? meanwhile : NULL;
    if (call) {
        meanwhile = NULL;
        call();
    }
    objects_out++;
    return __real_tc_malloc(size);
}

void __real_tc_free(void *object);
void __wrap_tc_free(void *object);
void __wrap_tc_free(void *object)
{
    objects_out -= object != NULL;
    __real_tc_free(object);
}

static void come_and_go(void)
{
    for (int i = 0; i < ENOUGH; i++)
        tm_free(tm_malloc(100));
}

int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
    if (!no_end_is_told)
        return __real_pthread_setspecific(key, value);
    come_and_go();
    return ENOMEM;
}

START_TEST(without_memory_for_it_there_is_none_and_no_error)
{
    no_memory_for_it = true;
    tm_free(tm_malloc(100));
    long before = objects_out;
    errno = EDOM;
    come_and_go();
    ck_assert_int_eq(errno, EDOM);
    ck_assert_int_eq(objects_out, before);
    no_memory_for_it = false;
    come_and_go();
    ck_assert_int_eq(objects_out, before + 2); /* the cache, and in it the block's */
    tm_flush_cache();
    ck_assert_int_eq(objects_out, before);
}
END_TEST

/* A hook of tcmalloc's, say. */
START_TEST(one_that_was_made_in_the_midst_of_another_is_not_lost)
{
    setenv("THREADMETER_CACHE", _i ? "1" : "", 1);
    meanwhile = come_and_go;
    come_and_go();
    ck_assert_ptr_null(meanwhile);
    ck_assert_int_eq(objects_out, 3); /* one cache, and in it what each used */
    tm_flush_cache();
    ck_assert_int_eq(objects_out, 0);
}
END_TEST

static void *go_on_unseen(void *unused)
{
    no_end_is_told = true;
    tm_free(tm_malloc(100));
    no_end_is_told = false;
    long before = objects_out;
    come_and_go();
    ck_assert_int_eq(objects_out, before);
    return unused;
}

START_TEST(a_thread_whose_end_cannot_be_seen_has_none)
{
    setenv("THREADMETER_CACHE", "1", 1);
    in_thread(go_on_unseen, NULL);
    tm_flush_cache(); /* what it had before that was known is in the depot */
    ck_assert_int_eq(objects_out, 0);
    expect_process_live(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache_faults");
    TCase *tcase = add_case(suite, "cache_faults", 30);
    tcase_add_test(tcase, without_memory_for_it_there_is_none_and_no_error);
    tcase_add_loop_test(tcase, one_that_was_made_in_the_midst_of_another_is_not_lost, 0, 2);
    tcase_add_test(tcase, a_thread_whose_end_cannot_be_seen_has_none);
    return run_suite(suite);
}
