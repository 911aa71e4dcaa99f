/* SPDX-License-Identifier: BSD-3-Clause */
/* header.h: the shape of an aligned block; what is left of it when it is freed, and where its object goes. */
#define _GNU_SOURCE
#include "block/inspect.h"
#include "support/support.h"

#include <threadmeter/limits.h>

enum { LEAST = 32, MOST = 4096, LARGEST = (1 << 20) - 1 };

static const size_t sizes[] = {0, 1, 2, 15, 16, 17, 31, 100, 4095, 4096, 65537, LARGEST - 1, LARGEST};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Each alignment, at each base, with each size. */
START_TEST(a_shape_says_what_was_put_in)
{
    for (size_t alignment = LEAST; alignment <= MOST; alignment *= 2)
        for (uintptr_t base = 1 << 20; base < (1 << 20) + alignment; base += 16)
            for (int s = 0; s < SIZES; s++) {
                uintptr_t user = (uintptr_t)tm__aligned_in((void *)base, 0, alignment);
                ck_assert_uint_eq(user % alignment, 0);
                ck_assert_uint_ge(user, base + 16);
                ck_assert_uint_le(user, base + alignment);
                uint64_t account =
                    UINT64_C(0x5eed1234) << 32 | tm__aligned_shape(alignment, user - 16 - base, sizes[s]);
                ck_assert(tm__is_aligned(tm__shape_in(account)));
                ck_assert_uint_eq(tm__size_in(account), sizes[s]);
                ck_assert_uint_eq(tm__alignment_in(account), alignment);
                ck_assert_uint_eq((uintptr_t)tm__base_in(account, (void *)user), base);
                ck_assert_uint_eq(tm__unaligned_size_in(account) + 16, alignment + (sizes[s] ? sizes[s] : 1));
            }
}
END_TEST

START_TEST(a_size_is_its_own_shape)
{
    static const uint32_t plain[] = {0, 1, 512, LARGEST, LARGEST + 1, INT32_MAX};
    for (int i = 0; i < 6; i++) {
        ck_assert(!tm__is_aligned(plain[i]));
        ck_assert_uint_eq(tm__size_in(plain[i]), plain[i]);
        ck_assert_uint_eq(tm__alignment_in(plain[i]), 16);
        ck_assert_uint_eq(tm__unaligned_size_in(plain[i]), plain[i]);
        ck_assert_uint_eq((uintptr_t)tm__base_in(plain[i], (void *)4096), 4096 - 16);
    }
}
END_TEST

/* What needs a prefix, and what needs none. */
START_TEST(only_what_a_shape_cannot_say_is_wide)
{
    for (size_t alignment = 1; alignment <= 4 * MOST; alignment *= 2)
        for (int s = 0; s < SIZES; s++)
            for (size_t more = 0; more <= 2; more++) {
                size_t size = sizes[s] + more;
                void *user = tm_memalign(alignment, size);
                struct tm__block block = tm__inspect(user);
                ck_assert_int_eq(block.kind, TM__LIVE);
                ck_assert_int_eq(block.wide, alignment > MOST || (alignment > 16 && size > LARGEST));
                ck_assert_uint_eq(block.size, size);
                ck_assert_uint_eq(block.alignment, alignment > 16 ? alignment : 16);
                tm_free(user);
            }
}
END_TEST

/* Ways to free a block. Nothing is asserted after that, since libcheck would allocate, perhaps in this very object. */

static void free_here(void *user)
{
    tm_free(user);
}

static void free_elsewhere(void *user)
{
    in_thread(free_it, user);
}

static void free_by_realloc(void *user)
{
    void *none = tm_realloc(user, 0);
    (void)none;
}

static void move_it(void *user)
{
    tm_free(tm_realloc(user, 4 << 20));
}

static void free_in_limits(void *user)
{
    ck_assert_int_eq(tm_thread_limit(16 << 20), 0);
    tm_free(user);
    tm_thread_limit(0);
}

static void claim_and_free(void *user)
{
    tm_tag previous = tm_tag_enter(tm_tag_open("another"));
    ck_assert_int_eq(tm_claim(user), 0);
    tm_tag_leave(previous);
    tm_free(user);
}

static void (*const ways[])(void *) = {free_here, free_elsewhere, free_by_realloc,
                                       move_it,   free_in_limits, claim_and_free};

START_TEST(freed_in_any_way_it_is_known_as_freed)
{
    setenv("THREADMETER_CACHE", _i % 2 ? "1" : "0", 1);
    tm_free(tm_malloc(1));
    for (size_t alignment = LEAST; alignment <= 2 * MOST; alignment *= 2)
        for (int s = 0; s < SIZES; s++) {
            void *user = tm_memalign(alignment, sizes[s]);
            ways[_i / 2](user);
            struct tm__block block = tm__inspect(user);
            if (block.kind != TM__FREED)
                ck_abort_msg("%zu bytes aligned to %zu: kind %d", sizes[s], alignment, (int)block.kind);
            ck_assert_uint_eq(block.size, sizes[s]);
            expect_process_live(0, 0);
        }
}
END_TEST

/* An object may be that of an aligned block and of another in turn. */
START_TEST(plain_blocks_use_its_object_and_it_uses_theirs)
{
    enum { COUNT = 8 };
    static char *blocks[COUNT];
    setenv("THREADMETER_CACHE", "1", 1);
    tm_free(tm_malloc(1));
    for (size_t alignment = LEAST; alignment <= 256; alignment *= 2)
        for (size_t size = 1; size <= 256; size += 15) {
            tm_flush_cache();
            tm_free(tm_malloc(1));
            for (int i = 0; i < COUNT; i++)
                blocks[i] = tm_memalign(alignment, size);
            char *last = tm__inspect(blocks[COUNT - 1]).base;
            for (int i = 0; i < COUNT; i++)
                tm_free(blocks[i]);
            char *plain = tm_malloc(alignment + size - 16);
            ck_assert_ptr_eq(plain - 16, last);
            memset(plain, 0x5a, alignment + size - 16);
            tm_free(plain);
            char *aligned = tm_memalign(alignment, size);
            ck_assert_ptr_eq(tm__inspect(aligned).base, last);
            in_thread(free_it, aligned);
            expect_process_live(0, 0);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aligned_header");
    TCase *tcase = add_case(suite, "aligned_header", 60);
    tcase_add_test(tcase, a_shape_says_what_was_put_in);
    tcase_add_test(tcase, a_size_is_its_own_shape);
    tcase_add_test(tcase, only_what_a_shape_cannot_say_is_wide);
    if (ON_TCMALLOC) {
        tcase_add_loop_test(tcase, freed_in_any_way_it_is_known_as_freed, 0, 2 * sizeof ways / sizeof ways[0]);
        if (HAS_CACHES)
            tcase_add_test(tcase, plain_blocks_use_its_object_and_it_uses_theirs);
    }
    return run_suite(suite);
}
