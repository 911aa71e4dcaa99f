/* SPDX-License-Identifier: BSD-3-Clause */
/* api/intercepted.c, redirect/interposer.c: plain free and realloc, in a program that is linked with the interposer. */
#define _GNU_SOURCE
#include "support/support.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

START_TEST(plain_free_takes_our_blocks_back)
{
    for (size_t alignment = 16; alignment <= 8192; alignment *= 2)
        free(tm_memalign(alignment, 100));
    free(tm_malloc(0));
    ck_assert_uint_eq(cross_allocator_calls().intercepted_frees, 11);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(plain_realloc_keeps_them_ours)
{
    char *block = tm_malloc(100);
    memset(block, 7, 100);
    block = realloc(block, 5000);
    ck_assert_int_eq(block[99], 7);
    expect_process_live(5000, 1);
    block = reallocarray(block, 10, 10);
    expect_process_live(100, 1);
    ck_assert_uint_eq(cross_allocator_calls().intercepted_reallocs, 2);
    ck_assert_uint_eq(malloc_usable_size(block), 100);
    errno = 0;
    ck_assert_ptr_null(reallocarray(block, SIZE_MAX, 2));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_ptr_null(realloc(block, 0));
    expect_process_live(0, 0);
}
END_TEST

/* glibc's own names, which it exports. */
extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

START_TEST(by_glibcs_own_names)
{
    char *block = tm_malloc(100);
    memset(block, 7, 100);
    block = __libc_realloc(block, 5000);
    ck_assert_int_eq(block[99], 7);
    expect_process_live(5000, 1);
    __libc_free(block);
    __libc_free(tm_memalign(64, 100));
    expect_process_live(0, 0);
    ck_assert_uint_eq(cross_allocator_calls().intercepted_reallocs, 1);
    ck_assert_uint_eq(cross_allocator_calls().intercepted_frees, 2);
    block = __libc_realloc(NULL, 10);
    block = __libc_realloc(block, 1000);
    block = realloc(block, 10000);
    __libc_free(block);
    free(__libc_malloc(10));
    __libc_free(malloc(10));
    __libc_free(NULL);
    expect_process_live(0, 0);
    ck_assert_uint_eq(cross_allocator_calls().intercepted_frees, 2);
}
END_TEST

/* Only old programs call it: no header declares it, and nothing can be linked with it any more. */
START_TEST(cfree_of_old)
{
    void (*cfree)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "cfree");
    cfree(tm_malloc(100));
    cfree(malloc(100));
    expect_process_live(0, 0);
    ck_assert_uint_eq(cross_allocator_calls().intercepted_frees, 1);
}
END_TEST

START_TEST(all_else_is_left_alone)
{
    tm_free(tm_malloc(1));
    struct tm_totals before = process_totals();
    for (size_t size = 0; size < 300000; size = size * 3 / 2 + 1) {
        char *plain = malloc(size);
        ck_assert_uint_ge(malloc_usable_size(plain), size);
        plain = realloc(plain, size + 100);
        memset(plain, 1, size + 100);
        free(plain);
        free(memalign(4096, size));
    }
    free(NULL);
    free(realloc(NULL, 10));
    ck_assert_uint_eq(malloc_usable_size(NULL), 0);
    struct tm_totals after = process_totals();
    ck_assert_mem_eq(&after, &before, sizeof after);
    struct tm_cross_allocator_calls none = {0}, now = cross_allocator_calls();
    ck_assert_mem_eq(&now, &none, sizeof now);
}
END_TEST

static void *free_elsewhere(void *arg)
{
    free(arg);
    return NULL;
}

START_TEST(on_any_thread_for_the_owner)
{
    in_thread(free_elsewhere, tm_malloc(70));
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 0, 0);
    ck_assert_uint_eq(mine.remote_frees_received_bytes, 70);
    ck_assert_uint_eq(cross_allocator_calls().intercepted_frees, 1);
}
END_TEST

START_TEST(tm_libc_functions_reach_the_process_through_it)
{
    void *plain = tm_libc_malloc(10);
    plain = tm_libc_realloc(plain, 1000);
    tm_libc_free(plain);
    struct tm_cross_allocator_calls none = {0}, now = cross_allocator_calls();
    ck_assert_mem_eq(&now, &none, sizeof now);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

START_TEST(an_intercepted_double_free_is_reported)
{
    void *block = tm_malloc(10);
    free(block);
    free(block);
}
END_TEST

START_TEST(errno_is_preserved)
{
    void *plain = malloc(10), *ours = tm_malloc(10);
    errno = 4321;
    free(plain);
    free(ours);
    ck_assert_int_eq(errno, 4321);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("intercepted");
    TCase *tcase = add_case(suite, "intercepted", 30);
    tcase_add_test(tcase, plain_free_takes_our_blocks_back);
    tcase_add_test(tcase, plain_realloc_keeps_them_ours);
    tcase_add_test(tcase, by_glibcs_own_names);
    tcase_add_test(tcase, cfree_of_old);
    tcase_add_test(tcase, all_else_is_left_alone);
    tcase_add_test(tcase, on_any_thread_for_the_owner);
    tcase_add_test(tcase, tm_libc_functions_reach_the_process_through_it);
    tcase_add_test(tcase, errno_is_preserved);
    /* With the libc backend, glibc overwrites the whole header when it is freed, and reports a double free itself. */
    if (dlsym(RTLD_DEFAULT, "tc_malloc"))
        tcase_add_test_raise_signal(tcase, an_intercepted_double_free_is_reported, SIGABRT);
    return run_suite(suite);
}
