/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: free() does not change errno. The backend's may, as it gives pages back to the system; the linker puts a function
 * in front of it that always does. errno is to be kept on each way that an object takes to the backend.
 */
#define _GNU_SOURCE
#include "support/support.h"

enum { MARK = 4321 };

static unsigned long freed; /* objects that went to the backend */

void __real_tc_free(void *object);
void __wrap_tc_free(void *object);
void __wrap_tc_free(void *object)
{
    __real_tc_free(object);
    freed++;
    errno = EINVAL;
}

static void expect_kept(void *block)
{
    unsigned long before = freed;
    errno = MARK;
    tm_free(block);
    ck_assert_int_eq(errno, MARK);
    ck_assert_uint_gt(freed,
                      before); /* or the test would show nothing; a thread that only frees frees one of its own */
}

static const size_t sizes[] = {0, 1, 64, 512, 513, 4096 - 16, 4096, 300000, (size_t)3 << 30};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

START_TEST(of_every_size)
{
    setenv("THREADMETER_CACHE", "0", 1);
    void *block = tm_malloc(sizes[_i]);
    ck_assert_ptr_nonnull(block);
    expect_kept(block);
}
END_TEST

START_TEST(of_every_alignment)
{
    setenv("THREADMETER_CACHE", "0", 1);
    expect_kept(tm_aligned_alloc((size_t)16 << _i, 100));
}
END_TEST

static void *allocate(void *block)
{
    *(void **)block = tm_malloc(100);
    return NULL;
}

/* Its slot is an orphan, and is freed after the last of the two. */
START_TEST(of_a_thread_that_has_ended)
{
    void *block;
    setenv("THREADMETER_CACHE", "0", 1);
    in_thread(allocate, &block);
    expect_kept(block); /* which attaches this thread */
    in_thread(allocate, &block);
    expect_kept(block);
}
END_TEST

static void *free_keeping(void *block)
{
    expect_kept(block);
    return NULL;
}

START_TEST(by_a_thread_that_allocates_nothing)
{
    setenv("THREADMETER_CACHE", "0", 1);
    void *block = tm_malloc(100);
    in_thread(free_keeping, block);
}
END_TEST

START_TEST(with_a_guard)
{
    setenv("THREADMETER_GUARD", "1", 1);
    expect_kept(tm_malloc(100));
}
END_TEST

START_TEST(of_a_block_that_realloc_leaves)
{
    setenv("THREADMETER_CACHE", "0", 1);
    void *block = tm_malloc(100);
    unsigned long before = freed;
    errno = MARK;
    block = tm_realloc(block, 1000);
    ck_assert_ptr_nonnull(block);
    ck_assert_int_eq(errno, MARK);
    ck_assert_uint_eq(freed, before + 1);
    expect_kept(block);
}
END_TEST

START_TEST(of_all_that_a_cache_held)
{
    setenv("THREADMETER_CACHE", "1", 1);
    tm_free(tm_malloc(100));
    errno = MARK;
    tm_flush_cache();
    ck_assert_int_eq(errno, MARK);
    ck_assert_uint_ge(freed, HAS_CACHES ? 2 : 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("free_errno");
    TCase *tcase = add_case(suite, "free_errno", 30);
    tcase_add_loop_test(tcase, of_every_size, 0, SIZES);
    tcase_add_loop_test(tcase, of_every_alignment, 0, 10);
    tcase_add_test(tcase, of_a_thread_that_has_ended);
    tcase_add_test(tcase, by_a_thread_that_allocates_nothing);
    tcase_add_test(tcase, with_a_guard);
    tcase_add_test(tcase, of_a_block_that_realloc_leaves);
    tcase_add_test(tcase, of_all_that_a_cache_held);
    return run_suite(suite);
}
