/* SPDX-License-Identifier: BSD-3-Clause */
/* A program whose own malloc has nallocx, such as one linked with jemalloc. That function does not know our blocks. */
#include "support/support.h"

size_t nallocx(size_t size, int flags);

START_TEST(blocks_that_grow_stay_apart)
{
    enum { BLOCKS = 64, STEPS = 200 };
    unsigned char *blocks[BLOCKS] = {0};
    for (size_t size = 1; size <= STEPS; size++)
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i] = tm_realloc(blocks[i], size);
            memset(blocks[i], i, size);
        }
    for (int i = 0; i < BLOCKS; i++)
        for (int at = 0; at < STEPS; at++)
            ck_assert_int_eq(blocks[i][at], i);
    for (int i = 0; i < BLOCKS; i++)
        tm_free(blocks[i]);
    expect_invariant();
}
END_TEST

START_TEST(aligned_blocks_are_known)
{
    for (size_t alignment = 32; alignment <= 4096; alignment *= 2)
        for (size_t size = 1; size < 5000; size = size * 3 / 2 + 1) {
            unsigned char *block = tm_memalign(alignment, size);
            memset(block, 1, size);
            block = tm_realloc(block, 2 * size);
            ck_assert_int_eq(block[size - 1], 1);
            tm_free(block);
        }
    expect_invariant();
}
END_TEST

/* If the library is preloaded, its nallocx comes first, and returns how many bytes may be written. */
START_TEST(a_block_is_as_large_as_was_said)
{
    for (size_t size = 1; size < 5000; size++) {
        void *block = malloc(size);
        if (getenv("LD_PRELOAD"))
            ck_assert_uint_eq(nallocx(size, 0), tm_malloc_usable_size(block));
        free(block);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nallocx");
    TCase *tcase = add_case(suite, "nallocx", 60);
    tcase_add_test(tcase, blocks_that_grow_stay_apart);
    tcase_add_test(tcase, aligned_blocks_are_known);
    tcase_add_test(tcase, a_block_is_as_large_as_was_said);
    return run_suite(suite);
}
