/* SPDX-License-Identifier: BSD-3-Clause */
/* malloc.c: tm_malloc, tm_free, tm_calloc, the sized frees, tm_malloc_usable_size. */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t sizes[] = {0,    1,    7,     8,     15,    16,     17,     31,     32,      33,     48,
                               63,   64,   100,   127,   128,   255,    256,    1000,   1024,    4080,   4096,
                               8176, 8192, 32767, 32768, 65536, 262128, 262144, 262145, 1 << 20, 5 << 20};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void fill(void *block, size_t size, unsigned char value)
{
    memset(block, value, size);
}

static bool is_filled(const void *block, size_t size, unsigned char value)
{
    const unsigned char *bytes = block;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

START_TEST(a_block_of_each_size)
{
    size_t size = sizes[_i];
    char *block = tm_malloc(size);
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq((uintptr_t)block % 16, 0);
    fill(block, size, 0xa5);
    ck_assert_uint_eq(tm_malloc_usable_size(block), size);

    struct tm_totals totals = thread_totals();
    expect_live(&totals, size, 1);
    ck_assert_uint_eq(totals.peak_bytes, size);
    ck_assert(is_filled(block, size, 0xa5));
    tm_free(block);
    totals = thread_totals();
    expect_live(&totals, 0, 0);
    ck_assert_uint_eq(totals.freed_bytes, size);
    ck_assert_uint_eq(totals.freed_blocks, 1);
    ck_assert_uint_eq(totals.remote_frees_received_blocks, 0);
    ck_assert_uint_eq(totals.peak_bytes, size);
}
END_TEST

START_TEST(neighbours_of_each_size_do_not_touch)
{
    enum { COUNT = 50 };
    size_t size = sizes[_i];
    char *blocks[COUNT];
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = tm_malloc(size);
        ck_assert_ptr_nonnull(blocks[i]);
        for (int j = 0; j < i; j++)
            ck_assert_ptr_ne(blocks[i], blocks[j]); /* of 0 bytes, too */
        fill(blocks[i], size, (unsigned char)i);
    }
    expect_process_live(COUNT * size, COUNT);
    for (int i = 0; i < COUNT; i++) {
        ck_assert(is_filled(blocks[i], size, (unsigned char)i));
        tm_free(blocks[i]);
    }
    expect_process_live(0, 0);
}
END_TEST

START_TEST(every_block_of_4_GiB_and_around)
{
    static const size_t huge[] = {INT32_MAX - 1u, INT32_MAX,        INT32_MAX + 1u,   UINT32_MAX - 16u,
                                  UINT32_MAX,     UINT32_MAX + 1ul, UINT32_MAX + 17ul};
    char *block = tm_malloc(huge[_i]);
    if (!block)
        return; /* no room on a small machine */
    ck_assert_uint_eq((uintptr_t)block % 16, 0);
    block[0] = block[huge[_i] - 1] = 1;
    ck_assert_uint_eq(tm_malloc_usable_size(block), huge[_i]);
    expect_process_live(huge[_i], 1);
    tm_free(block);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(too_large_is_ENOMEM)
{
    static const size_t absurd[] = {SIZE_MAX,      SIZE_MAX - 1,      SIZE_MAX - 15, SIZE_MAX - 16,
                                    SIZE_MAX - 17, PTRDIFF_MAX + 1ul, PTRDIFF_MAX,   PTRDIFF_MAX - 16};
    size_t size = absurd[_i];
    errno = 0;
    ck_assert_ptr_null(tm_malloc(size));
    ck_assert_int_eq(errno, ENOMEM);
    errno = 0;
    ck_assert_ptr_null(tm_calloc(1, size));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

START_TEST(calloc_multiplies_clears_and_charges_the_product)
{
    for (int round = 0; round < 100; round++) {
        char *dirty = tm_malloc(7 * 13);
        fill(dirty, 7 * 13, 0xff);
        tm_free(dirty);
        char *block = tm_calloc(7, 13);
        ck_assert(is_filled(block, 7 * 13, 0));
        expect_process_live(7 * 13, 1);
        tm_free(block);
    }
    char *large = tm_calloc(1 << 10, 1 << 12);
    ck_assert(is_filled(large, 1 << 22, 0));
    expect_process_live(1 << 22, 1);
    tm_free(large);
    char *none = tm_calloc(0, 5);
    ck_assert_ptr_nonnull(none);
    expect_process_live(0, 1);
    tm_free(none);
}
END_TEST

START_TEST(calloc_overflow_is_ENOMEM)
{
    static const size_t factors[][2] = {
        {SIZE_MAX, 2}, {2, SIZE_MAX}, {SIZE_MAX / 2 + 1, 2}, {(size_t)1 << 32, (size_t)1 << 32}};
    errno = 0;
    ck_assert_ptr_null(tm_calloc(factors[_i][0], factors[_i][1]));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_uint_eq(process_totals().allocated_blocks, 0);
}
END_TEST

START_TEST(freeing_NULL_does_nothing)
{
    tm_free(NULL);
    tm_free_sized(NULL, 10);
    tm_free_aligned_sized(NULL, 64, 10);
    tm_cfree(NULL);
    ck_assert_uint_eq(process_totals().freed_blocks, 0);
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees, 0);
    ck_assert_uint_eq(tm_malloc_usable_size(NULL), 0);
}
END_TEST

START_TEST(sized_frees_free)
{
    tm_free_sized(tm_malloc(100), 100);
    tm_free_sized(tm_malloc(0), 0);
    tm_free_aligned_sized(tm_aligned_alloc(4096, 100), 4096, 100);
    tm_cfree(tm_malloc(1));
    ck_assert_uint_eq(process_totals().freed_blocks, 4);
    expect_process_live(0, 0);
}
END_TEST

/*
 * Locked memory cannot be given back to the system, which says so in errno: free must not let that through. tcmalloc
 * first tries after some 2 GiB have been freed.
 */
START_TEST(free_preserves_errno)
{
    for (int i = 0; i < 20000; i++) {
        char *block = tm_malloc(300000);
        ck_assert_ptr_nonnull(block);
        if (i < 10)
            (void)!mlock(block, 300000); /* where we may not, the test is weaker */
        errno = 4321;
        tm_free(block);
        if (errno != 4321)
            ck_abort_msg("free %d made it %d", i, errno);
    }
    void *small = tm_malloc(10), *aligned = tm_memalign(4096, 10), *foreign = malloc(10);
    errno = 4321;
    tm_free(small);
    tm_free(aligned);
    tm_free(foreign);
    tm_free(NULL);
    ck_assert_int_eq(errno, 4321);
}
END_TEST

START_TEST(a_free_on_another_thread_credits_the_owner)
{
    void *kept = tm_malloc(50);
    in_thread(free_it, tm_malloc(100));
    struct tm_totals totals = thread_totals();
    expect_live(&totals, 50, 1);
    ck_assert_uint_eq(totals.freed_bytes, 100);
    ck_assert_uint_eq(totals.remote_frees_received_bytes, 100);
    ck_assert_uint_eq(totals.remote_frees_received_blocks, 1);
    tm_free(kept);
}
END_TEST

/* Each header position within a page occurs, also the one before the page's start, which the fast path leaves out. */
START_TEST(blocks_at_every_offset_of_a_page)
{
    enum { COUNT = 3000 };
    static void *blocks[COUNT];
    bool seen[256] = {false};
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = tm_malloc(1 + (size_t)i % 64);
        seen[(uintptr_t)blocks[i] % 4096 / 16] = true;
    }
    ck_assert(seen[0] || !ON_TCMALLOC);
    for (int i = 0; i < COUNT; i++)
        tm_free(blocks[i]);
    expect_process_live(0, 0);
    struct tm_totals totals = thread_totals();
    ck_assert_uint_eq(totals.remote_frees_received_blocks, 0);
}
END_TEST

START_TEST(the_heap_moves_with_the_books)
{
    size_t before, after, expected = 0;
    void *blocks[SIZES], *warm_up = tm_malloc(1);
    tm_free(warm_up);
    if (!heap_bytes(&before))
        return;
    for (int i = 0; i < SIZES; i++) {
        blocks[i] = tm_malloc(sizes[i]);
        expected += heap_bytes_for((sizes[i] ? sizes[i] : 1) + 16);
    }
    heap_bytes(&after);
    ck_assert_uint_eq(after - before, expected);
    for (int i = 0; i < SIZES; i++)
        tm_free(blocks[i]);
    heap_bytes(&after);
    ck_assert_uint_eq(after, before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("malloc");
    TCase *tcase = add_case(suite, "malloc", 60);
    tcase_add_loop_test(tcase, a_block_of_each_size, 0, SIZES);
    tcase_add_loop_test(tcase, neighbours_of_each_size_do_not_touch, 0, SIZES);
    tcase_add_loop_test(tcase, every_block_of_4_GiB_and_around, 0, 7);
    tcase_add_loop_test(tcase, too_large_is_ENOMEM, 0, 8);
    tcase_add_test(tcase, calloc_multiplies_clears_and_charges_the_product);
    tcase_add_loop_test(tcase, calloc_overflow_is_ENOMEM, 0, 4);
    tcase_add_test(tcase, freeing_NULL_does_nothing);
    tcase_add_test(tcase, sized_frees_free);
    tcase_add_test(tcase, free_preserves_errno);
    tcase_add_test(tcase, a_free_on_another_thread_credits_the_owner);
    tcase_add_test(tcase, blocks_at_every_offset_of_a_page);
    tcase_add_test(tcase, the_heap_moves_with_the_books);
    return run_suite(suite);
}
