/* SPDX-License-Identifier: BSD-3-Clause */
/* block.c, block.h: headers, and what can be told from them. */
#define _GNU_SOURCE
#include "block.h"
#include "slot.h"
#include "support.h"

#include <sys/mman.h>

/* glibc cannot say whether there is an object of some size, and overwrites all of a freed header. */
#ifdef TM_BACKEND_LIBC
#define BACKEND_KNOWS_OBJECTS false
#else
#define BACKEND_KNOWS_OBJECTS true
#endif

START_TEST(a_live_block_tells_all)
{
    static const size_t sizes[] = {0, 1, 16, 100, 5000, 300000};
    for (size_t alignment = 1; alignment <= 65536; alignment *= 4)
        for (size_t i = 0; i < 6; i++) {
            void *user = tm_memalign(alignment, sizes[i]);
            struct tm__block block = tm__inspect(user);
            ck_assert_int_eq(block.kind, TM__LIVE);
            ck_assert_uint_eq(block.size, sizes[i]);
            ck_assert_uint_eq(block.slot, TM__SHARED_SLOTS);
            ck_assert_uint_le((uintptr_t)block.base + 16, (uintptr_t)user);
            ck_assert_int_eq(block.wide, (uintptr_t)block.base + 16 != (uintptr_t)user);
            ck_assert(tm__may_be_live(user));
            tm_free(user);
        }
}
END_TEST

/* Each bit of each header byte, one at a time: never live, never foreign. */
START_TEST(no_single_bit_goes_unnoticed)
{
    char *user = tm_memalign((size_t)1 << _i, 100);
    bool wide = tm__inspect(user).wide;
    for (int byte = -1; byte >= (wide ? -32 : -16); byte--)
        for (int bit = 0; bit < 8; bit++) {
            user[byte] ^= (char)(1 << bit);
            struct tm__block block = tm__inspect(user);
            if (block.kind != TM__DAMAGED)
                ck_abort_msg("bit %d of byte %d: kind %d", bit, byte, (int)block.kind);
            user[byte] ^= (char)(1 << bit);
        }
    ck_assert_int_eq(tm__inspect(user).kind, TM__LIVE);
    tm_free(user);
}
END_TEST

START_TEST(half_a_header_is_damaged_none_is_foreign)
{
    char *user = tm_malloc(100), saved[16];
    memcpy(saved, user - 16, 16);
    memset(user - 16, 0x11, 8);
    ck_assert_int_eq(tm__inspect(user).kind, BACKEND_KNOWS_OBJECTS ? TM__DAMAGED : TM__FOREIGN);
    memcpy(user - 16, saved, 16);
    memset(user - 8, 0x11, 8);
    ck_assert_int_eq(tm__inspect(user).kind, TM__DAMAGED);
    memset(user - 16, 0x11, 16);
    ck_assert_int_eq(tm__inspect(user).kind, TM__FOREIGN);
    memcpy(user - 16, saved, 16);
    tm_free(user);
}
END_TEST

START_TEST(a_header_copied_elsewhere_is_not_live)
{
    char *one = tm_malloc(100), *other = tm_malloc(100);
    memcpy(other, one - 16, 16);
    ck_assert_int_ne(tm__inspect(other + 16).kind, TM__LIVE);
    tm_free(one);
    tm_free(other);
}
END_TEST

START_TEST(a_freed_block_keeps_its_size_and_owner)
{
    static const size_t sizes[] = {0, 1, 100, 5000, 300000};
    for (size_t i = 0; i < 5; i++) {
        char *user = tm_malloc(sizes[i]);
        tm_free(user);
        struct tm__block block = tm__inspect(user);
        ck_assert_int_eq(block.kind, TM__FREED);
        ck_assert_uint_eq(block.size, sizes[i]);
        ck_assert_uint_eq(block.slot, TM__SHARED_SLOTS);
    }
}
END_TEST

/*
 * Where tcmalloc serves the whole process, old tombstones lie before new objects that are not ours. They must not make
 * an honest object look like one freed twice.
 */
START_TEST(old_tombstones_accuse_nobody)
{
    enum { COUNT = 20000 };
    static void *blocks[COUNT];
    uint64_t random = 3;
    for (int round = 0; round < 20; round++) {
        size_t ours = random_next(&random) % 1000, theirs = random_next(&random) % 1000;
        for (int i = 0; i < COUNT; i++)
            blocks[i] = i % 50 == 0 ? tm_memalign(256, ours) : tm_malloc(ours);
        for (int i = 0; i < COUNT; i++)
            tm_free(blocks[i]);
        for (int i = 0; i < COUNT; i++)
            blocks[i] = malloc(theirs); /* and not written to */
        for (int i = 0; i < COUNT; i++) {
            struct tm__block block = tm__inspect(blocks[i]);
            if (block.kind != TM__FOREIGN)
                ck_abort_msg("an object of %zu bytes after blocks of %zu: kind %d", theirs, ours, (int)block.kind);
            tm_free(blocks[i]);
        }
    }
    ck_assert_uint_eq(crossings().foreign_frees, 20 * COUNT);
}
END_TEST

START_TEST(looking_before_a_pointer_never_faults)
{
    tm_free(tm_malloc(1));
    char *pages = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages + 4096, 4096, PROT_NONE);
    munmap(pages + 3 * 4096, 4096);
    errno = 4321;
    for (int offset = 0; offset < 4096; offset++) {
        ck_assert_int_eq(tm__inspect(pages + offset).kind, TM__FOREIGN);
        ck_assert_int_eq(tm__inspect(pages + 2 * 4096 + offset).kind, TM__FOREIGN);
    }
    ck_assert_int_eq(tm__inspect(pages + 3 * 4096).kind, TM__FOREIGN); /* itself unmapped */
    ck_assert(!tm__header_readable(pages + 2 * 4096));
    ck_assert(tm__header_readable(pages + 4096));
    ck_assert_int_eq(errno, 4321);
    munmap(pages, 3 * 4096);
}
END_TEST

START_TEST(before_the_first_allocation_all_is_foreign)
{
    char zeros[64] __attribute__((aligned(16))) = {0};
    ck_assert_int_eq(tm__inspect(zeros + 32).kind, TM__FOREIGN);
    ck_assert_int_eq(tm__inspect(NULL).kind, TM__FOREIGN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block");
    TCase *tcase = add_case(suite, "block", 60);
    tcase_add_test(tcase, a_live_block_tells_all);
    tcase_add_loop_test(tcase, no_single_bit_goes_unnoticed, 4, 13);
    tcase_add_test(tcase, half_a_header_is_damaged_none_is_foreign);
    tcase_add_test(tcase, a_header_copied_elsewhere_is_not_live);
    if (BACKEND_KNOWS_OBJECTS) {
        tcase_add_test(tcase, a_freed_block_keeps_its_size_and_owner);
        tcase_add_test(tcase, old_tombstones_accuse_nobody);
    }
    tcase_add_test(tcase, looking_before_a_pointer_never_faults);
    tcase_add_test(tcase, before_the_first_allocation_all_is_foreign);
    return run_suite(suite);
}
