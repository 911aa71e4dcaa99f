/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cache/: which of its freed blocks a thread keeps; how many is in check_cache_bounds.c, and when it has a cache in
 * check_cache_life.c. tcmalloc's own count of bytes in use is the oracle. Each test is a process of its own, and says in
 * the environment what it wants before its first block.
 */
#define _GNU_SOURCE
#include "cached_blocks.h"
#include "support/support.h"

#include <threadmeter/limits.h>

enum { LIST = 64 /* blocks of 64 bytes in a list */ };

START_TEST(what_was_freed_last_is_used_first)
{
    have_a_cache();
    char *first = tm_malloc(100), *second = tm_malloc(100);
    tm_free(first);
    tm_free(second);
    size_t heap = heap_now();
    ck_assert_ptr_eq(tm_malloc(97), second); /* 97 to 112 have objects in common */
    ck_assert_ptr_eq(tm_malloc(112), first);
    ck_assert_uint_eq(heap_now(), heap);
    expect_process_live(97 + 112, 2);
    tm_free(first);
    tm_free(second);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(other_sizes_have_objects_of_their_own)
{
    have_a_cache();
    char *block = tm_malloc(100);
    tm_free(block);
    char *smaller = tm_malloc(96), *larger = tm_malloc(113), *none = tm_malloc(0);
    ck_assert_ptr_ne(smaller, block);
    ck_assert_ptr_ne(larger, block);
    ck_assert_ptr_ne(none, block);
    ck_assert_ptr_eq(tm_malloc(100), block);
    tm_free(block);
    tm_free(smaller);
    tm_free(larger);
    tm_free(none);
}
END_TEST

START_TEST(large_and_empty_blocks_go_back_at_once)
{
    have_a_cache();
    size_t before = heap_now();
    tm_free(tm_malloc(LARGEST + 1));
    tm_free(tm_malloc(1 << 20));
    tm_free(tm_memalign(64, LARGEST));
    tm_free(tm_malloc(0));
    ck_assert_uint_eq(heap_now(), before);
}
END_TEST

/* An allocation that a limit refuses: with a cache, and without. */
START_TEST(what_a_refused_block_was_in_goes_back)
{
    setenv("THREADMETER_CACHE", _i ? "1" : "0", 1);
    tm_free(tm_malloc(1));
    tm_flush_cache();
    char *block = tm_malloc(100), *other = tm_malloc(100);
    tm_free(other);
    ck_assert_int_eq(tm_thread_limit(150), 0);
    size_t before = heap_now();
    for (int i = 0; i < 3; i++) {
        errno = 0;
        ck_assert_ptr_null(tm_malloc(100));
        ck_assert_int_eq(errno, ENOMEM);
        ck_assert_ptr_null(tm_malloc(2000));
        ck_assert_ptr_null(tm_memalign(64, 100));
        ck_assert_ptr_null(tm_realloc(block, 200));
        ck_assert_uint_le(heap_now(), before);
    }
    expect_process_live(100, 1);
    ck_assert_int_eq(tm_thread_limit(0), 0);
    tm_free(block);
}
END_TEST

START_TEST(realloc_takes_from_it_and_gives_to_it)
{
    have_a_cache();
    char *small = tm_malloc(40), *large = tm_malloc(400);
    tm_free(large);
    size_t heap = heap_now();
    ck_assert_ptr_eq(tm_realloc(small, 390), large);
    ck_assert_ptr_eq(tm_malloc(33), small);
    ck_assert_uint_eq(heap_now(), heap);
    expect_process_live(390 + 33, 2);
    ck_assert_ptr_eq(tm_realloc(small, 48), small); /* the same object holds it */
    expect_process_live(390 + 48, 2);
    tm_free(small);
    tm_free(large);
}
END_TEST

static void *allocate_some(void *blocks)
{
    allocate(blocks, SOME, 64);
    return NULL;
}

START_TEST(what_others_allocated_is_kept_by_who_frees_it)
{
    have_a_cache();
    static void *blocks[SOME];
    in_thread(allocate_some, blocks);
    free_all(blocks, LIST);
    size_t heap = heap_now();
    for (size_t i = LIST; i > 0; i--)
        ck_assert_ptr_eq(tm_malloc(64), blocks[i - 1]);
    ck_assert_uint_eq(heap_now(), heap);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 64 * LIST, LIST); /* now they are mine */
    expect_process_live(64 * SOME, SOME);
    free_all(blocks, SOME);
    expect_process_live(0, 0);
}
END_TEST

static void *allocate_too(void *blocks)
{
    allocate(blocks, SOME, 100);
    free_all(blocks, SOME);
    return NULL;
}

/* Each pattern of allocating and freeing, across two threads, ends with both oracles at what they were. */
START_TEST(any_order_of_calls_loses_nothing)
{
    enum { ROUNDS = 20000 };
    have_a_cache();
    static void *blocks[SOME];
    static size_t sizes[SOME];
    size_t before, after, live = 0, count = 0;
    ck_assert(heap_bytes(&before));
    uint64_t seed = (uint64_t)_i + 1;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t at = random_next(&seed) % SOME, size = random_next(&seed) % (LARGEST + 100);
        if (!blocks[at]) {
            blocks[at] = tm_malloc(size);
            count++;
        } else if (random_next(&seed) % 3 == 0 && size > 0) {
            blocks[at] = tm_realloc(blocks[at], size);
            live -= sizes[at];
        } else {
            tm_free(blocks[at]);
            blocks[at] = NULL;
            live -= sizes[at];
            count--;
            continue;
        }
        memset(blocks[at], (int)at, size);
        sizes[at] = size;
        live += size;
        if (i % 1000 == 0) {
            expect_process_live(live, count);
            in_thread(allocate_too, (void *[SOME]){0});
        }
    }
    for (size_t at = 0; at < SOME; at++) {
        for (size_t k = 0; blocks[at] && k < sizes[at]; k++)
            ck_assert_uint_eq(((unsigned char *)blocks[at])[k], (unsigned char)at);
        tm_free(blocks[at]);
    }
    expect_process_live(0, 0);
    ck_assert(heap_bytes(&after));
    ck_assert_uint_eq(after, before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache");
    TCase *kept = add_case(suite, "kept", 60);
    tcase_add_test(kept, what_was_freed_last_is_used_first);
    tcase_add_test(kept, other_sizes_have_objects_of_their_own);
    tcase_add_test(kept, large_and_empty_blocks_go_back_at_once);
    tcase_add_loop_test(kept, what_a_refused_block_was_in_goes_back, 0, 2);
    tcase_add_test(kept, realloc_takes_from_it_and_gives_to_it);
    tcase_add_loop_test(kept, any_order_of_calls_loses_nothing, 0, 5);
    tcase_add_test(kept, what_others_allocated_is_kept_by_who_frees_it);
    return run_suite(suite);
}
