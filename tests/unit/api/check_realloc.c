/* SPDX-License-Identifier: BSD-3-Clause */
/* realloc.c: tm_realloc, tm_reallocarray. */
#define _GNU_SOURCE
#include "support/support.h"

#include <malloc.h>
#include <sys/resource.h>

static void fill(char *block, size_t size)
{
    for (size_t i = 0; i < size; i++)
        block[i] = (char)(i * 31 + 7);
}

static bool is_filled(const char *block, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (block[i] != (char)(i * 31 + 7))
            return false;
    return true;
}

static const size_t sizes[] = {0, 1, 16, 24, 100, 1000, 5000, 40000, 300000, 3000000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

START_TEST(from_each_size_to_each)
{
    size_t from = sizes[_i / SIZES], to = sizes[_i % SIZES];
    for (int alignment = 16; alignment <= 4096; alignment *= 16) {
        char *block = tm_memalign((size_t)alignment, from);
        fill(block, from);
        struct tm_totals before = thread_totals();
        block = tm_realloc(block, to);
        if (to == 0) {
            ck_assert_ptr_null(block);
            expect_process_live(0, 0);
            continue;
        }
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq((uintptr_t)block % 16, 0);
        ck_assert(is_filled(block, from < to ? from : to));
        fill(block, to);
        ck_assert_uint_eq(tm_malloc_usable_size(block), to);
        struct tm_totals after = thread_totals();
        expect_live(&after, to, 1);
        ck_assert_uint_eq(after.allocated_bytes - before.allocated_bytes, to);
        ck_assert_uint_eq(after.freed_bytes - before.freed_bytes, from);
        ck_assert_uint_eq(after.peak_bytes, to > before.peak_bytes ? to : before.peak_bytes);
        tm_free(block);
        expect_process_live(0, 0);
    }
}
END_TEST

START_TEST(NULL_is_malloc)
{
    char *block = tm_realloc(NULL, 100);
    expect_process_live(100, 1);
    tm_free(block);
    block = tm_realloc(NULL, 0);
    ck_assert_ptr_nonnull(block);
    expect_process_live(0, 1);
    tm_free(block);
}
END_TEST

START_TEST(growth_by_steps_keeps_contents_and_totals)
{
    char *block = NULL;
    for (size_t size = 1; size < 20000; size += size / 7 + 1) {
        block = tm_realloc(block, size);
        fill(block, size);
        expect_process_live(size, 1);
    }
    for (size_t size = 20000; size > 0; size -= size / 5 + 1) {
        block = tm_realloc(block, size);
        ck_assert(is_filled(block, size < 19000 ? size : 100));
        expect_process_live(size, 1);
    }
    tm_free(block);
}
END_TEST

static void *grow(void *arg)
{
    void **block = arg;
    *block = tm_realloc(*block, 250);
    struct tm_totals totals = thread_totals();
    expect_live(&totals, 250, 1);
    return NULL;
}

START_TEST(the_caller_becomes_the_owner)
{
    void *block = tm_malloc(100);
    in_thread(grow, &block);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 0, 0);
    ck_assert_uint_eq(mine.remote_frees_received_bytes, 100);
    struct tm_slot orphan;
    ck_assert(find_slot_in(TM_ORPHAN, &orphan));
    expect_live(&orphan.totals, 250, 1);
    tm_free(block);
}
END_TEST

static void expect_unchanged(char *block, size_t size, const struct tm_totals *before)
{
    struct tm_totals after = thread_totals();
    ck_assert_mem_eq(&after, before, sizeof after);
    ck_assert_uint_eq(tm_malloc_usable_size(block), size);
    ck_assert(is_filled(block, size));
    tm_free(block); /* it still is a block */
}

START_TEST(a_failure_changes_nothing)
{
    static const size_t absurd[] = {SIZE_MAX, SIZE_MAX - 16, SIZE_MAX - 15, PTRDIFF_MAX, (size_t)1 << 46};
    static const size_t alignments[] = {16, 4096};
    char *block = tm_memalign(alignments[_i % 2], 100);
    fill(block, 100);
    struct tm_totals before = thread_totals();
    errno = 0;
    ck_assert_ptr_null(tm_realloc(block, absurd[_i / 2]));
    ck_assert_int_eq(errno, ENOMEM);
    expect_unchanged(block, 100, &before);
}
END_TEST

/* Where the backend is asked, and has no more. */
START_TEST(no_memory_changes_nothing)
{
    char *block = tm_malloc(100);
    fill(block, 100);
    struct tm_totals before = thread_totals();
    struct rlimit limit = {1 << 28, 1 << 28};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    errno = 0;
    ck_assert_ptr_null(tm_realloc(block, 1 << 29));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_ptr_null(tm_malloc(1 << 29));
    ck_assert_ptr_null(tm_calloc(1, 1 << 29));
    ck_assert_ptr_null(tm_memalign(4096, 1 << 29));
    expect_unchanged(block, 100, &before);
}
END_TEST

START_TEST(reallocarray_multiplies_or_changes_nothing)
{
    char *block = tm_reallocarray(NULL, 10, 10);
    expect_process_live(100, 1);
    fill(block, 100);
    struct tm_totals before = thread_totals();
    errno = 0;
    ck_assert_ptr_null(tm_reallocarray(block, SIZE_MAX / 2, 3));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_ptr_null(tm_reallocarray(NULL, SIZE_MAX / 2, 3));
    struct tm_totals after = thread_totals();
    ck_assert_mem_eq(&after, &before, sizeof after);
    block = tm_reallocarray(block, 20, 10);
    ck_assert(is_filled(block, 100));
    expect_process_live(200, 1);
    tm_free(block);
}
END_TEST

START_TEST(beyond_4_GiB_and_back)
{
    char *block = tm_malloc(1000);
    fill(block, 1000);
    char *grown = tm_realloc(block, UINT32_MAX + 100ul);
    if (grown) { /* there is room */
        ck_assert(is_filled(grown, 1000));
        expect_process_live(UINT32_MAX + 100ul, 1);
        block = tm_realloc(grown, 1000);
        ck_assert(is_filled(block, 1000));
    }
    expect_process_live(1000, 1);
    tm_free(block);
}
END_TEST

START_TEST(peak_counts_the_larger_not_both)
{
    void *block = tm_malloc(1000);
    block = tm_realloc(block, 100000);
    block = tm_realloc(block, 10);
    ck_assert_uint_eq(thread_totals().peak_bytes, 100000);
    void *aligned = tm_memalign(4096, 150000);
    aligned = tm_realloc(aligned, 160000);
    ck_assert_uint_eq(thread_totals().peak_bytes, 160010);
    tm_free(block);
    tm_free(aligned);
}
END_TEST

START_TEST(foreign_memory_stays_foreign)
{
    char *foreign = malloc(100);
    fill(foreign, 100);
    foreign = tm_realloc(foreign, 10000);
    ck_assert(is_filled(foreign, 100));
    ck_assert_uint_eq(cross_allocator_calls().foreign_reallocs, 1);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
    ck_assert_uint_ge(tm_malloc_usable_size(foreign), 10000);
    ck_assert_uint_eq(malloc_usable_size(foreign), tm_malloc_usable_size(foreign));
    tm_free(foreign);
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("realloc");
    TCase *tcase = add_case(suite, "realloc", 60);
    tcase_add_loop_test(tcase, from_each_size_to_each, 0, SIZES * SIZES);
    tcase_add_test(tcase, NULL_is_malloc);
    tcase_add_test(tcase, growth_by_steps_keeps_contents_and_totals);
    tcase_add_test(tcase, the_caller_becomes_the_owner);
    tcase_add_loop_test(tcase, a_failure_changes_nothing, 0, 10);
    if (!SANITIZED)
        add_unless_emulated(tcase, no_memory_changes_nothing, NO_LIMIT_OF_MEMORY);
    tcase_add_test(tcase, reallocarray_multiplies_or_changes_nothing);
    tcase_add_test(tcase, beyond_4_GiB_and_back);
    tcase_add_test(tcase, peak_counts_the_larger_not_both);
    tcase_add_test(tcase, foreign_memory_stays_foreign);
    return run_suite(suite);
}
