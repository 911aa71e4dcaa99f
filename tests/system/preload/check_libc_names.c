/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * glibc's own names for the malloc family. Run without the preloaded library, the same program shows that the tests are
 * right. With WRAPPED in the environment there is another malloc, support/wraps.c, before ours ("first") or after it.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void *__libc_valloc(size_t size);
extern void *__libc_pvalloc(size_t size);
extern void __libc_free(void *block);
extern void __libc_freeres(void);

static bool preloaded(void)
{
    const char *libraries = getenv("LD_PRELOAD");
    return libraries && strstr(libraries, "libthreadmeter_preload");
}

/* By how much the thread's live bytes grew: by what was asked for if the library is preloaded, else by 0. */
static struct tm_totals before;
#define expect_more(bytes)                                                                                             \
    do {                                                                                                               \
        struct tm_totals now = thread_totals();                                                                        \
        uint64_t more = tm_live_bytes(&now) - tm_live_bytes(&before);                                                  \
        if (more != (preloaded() ? (bytes) : 0))                                                                       \
            ck_abort_msg("%llu bytes more, line %d", (unsigned long long)more, __LINE__);                              \
    } while (0)

START_TEST(each_name)
{
    uint64_t page = (uint64_t)getpagesize();
    char *volatile blocks[6];
    before = thread_totals();
    blocks[0] = __libc_malloc(100);
    expect_more(100);
    blocks[1] = __libc_calloc(10, 10);
    expect_more(200);
    blocks[2] = __libc_realloc(NULL, 300);
    expect_more(500);
    blocks[3] = __libc_memalign(256, 500);
    expect_more(1000);
    blocks[4] = __libc_valloc(1000);
    expect_more(2000);
    blocks[5] = __libc_pvalloc(1);
    expect_more(2000 + page);
    bool aligned = ((uintptr_t)blocks[3] % 256 | (uintptr_t)blocks[4] % page | (uintptr_t)blocks[5] % page) == 0;
    bool zero = blocks[1][0] == 0 && blocks[1][99] == 0;
    for (int i = 0; i < 6; i++)
        __libc_free(blocks[i]);
    __libc_free(NULL);
    expect_more(0);
    ck_assert(aligned && zero);
    expect_invariant();
}
END_TEST

START_TEST(from_one_name_to_the_other)
{
    before = thread_totals();
    for (size_t size = 0; size < 300000; size = 2 * size + 1) {
        __libc_free(malloc(size));
        free(__libc_malloc(size));
        char *volatile block = malloc(size + 1);
        block[0] = 'x';
        block = __libc_realloc(block, 2 * size + 1);
        block = realloc(block, 3 * size + 1);
        if (block[0] != 'x')
            ck_abort_msg("%zu bytes", size);
        __libc_free(block);
        void *aligned = aligned_alloc(64, 64);
        __libc_free(aligned);
    }
    expect_more(0);
    struct tm_cross_allocator_calls calls = cross_allocator_calls();
    ck_assert_uint_eq(calls.foreign_frees + calls.foreign_reallocs + calls.intercepted_frees, 0);
    expect_invariant();
}
END_TEST

/* Blocks that libc's own malloc allocated. Each function that frees one must pass it on to libc. */
START_TEST(blocks_of_libc_itself)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    ck_assert_ptr_nonnull(libc);
    void *(*its_malloc)(size_t) = (void *(*)(size_t))dlsym(libc, "malloc");
    for (size_t size = 1; size < 300000; size *= 3) {
        before = thread_totals();
        free(its_malloc(size));
        __libc_free(its_malloc(size));
        char *volatile block = its_malloc(size);
        block[0] = 'x';
        block = realloc(block, 2 * size);
        block = __libc_realloc(block, 3 * size);
        if (block[0] != 'x' || malloc_usable_size(block) < 3 * size)
            ck_abort_msg("%zu bytes", size);
        __libc_free(block);
        expect_more(0);
    }
    dlclose(libc);
    expect_invariant();
}
END_TEST

START_TEST(the_end_of_libcs_own_memory)
{
    before = thread_totals();
    __libc_freeres();
    struct tm_cross_allocator_calls calls = cross_allocator_calls();
    ck_assert_uint_eq(calls.foreign_frees, 0);
}
END_TEST

START_TEST(the_other_malloc_is_where_it_should_be)
{
    unsigned long *wrapped = dlsym(RTLD_DEFAULT, "wrapped");
    ck_assert_int_eq(wrapped != NULL, getenv("WRAPPED") != NULL);
    if (!wrapped)
        return;
    unsigned long then = *wrapped;
    free(malloc(10));
    bool is_first = *wrapped == then + 2;
    ck_assert_int_eq(is_first, !preloaded() || strcmp(getenv("WRAPPED"), "first") == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libc_names");
    TCase *tcase = add_case(suite, "libc_names", 60);
    tcase_add_test(tcase, each_name);
    tcase_add_test(tcase, from_one_name_to_the_other);
    tcase_add_test(tcase, blocks_of_libc_itself);
    tcase_add_test(tcase, the_end_of_libcs_own_memory);
    tcase_add_test(tcase, the_other_malloc_is_where_it_should_be);
    return run_suite(suite);
}
