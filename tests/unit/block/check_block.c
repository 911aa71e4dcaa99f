/* SPDX-License-Identifier: BSD-3-Clause */
/* header.h, inspect.c: headers, and what can be told from them. Those of freed blocks are in check_tombstones.c. */
#define _GNU_SOURCE
#include "block/inspect.h"
#include "block/readable.h"
#include "state/slot.h"
#include "support/support.h"

#include <malloc.h>
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
            ck_assert_uint_eq(block.alignment, alignment > 16 ? alignment : 16);
            ck_assert_int_eq(block.wide, alignment > 4096);
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

/* A wide block's mark is inverted, too; but no prefix of one is nothing but zeros. */
START_TEST(an_inverted_mark_behind_zeros_is_damaged)
{
    char *zeros = tm_calloc(1, 200), *user = zeros + 48;
    tm__seal(user - 16, 50, tm__account_of(TM__SHARED_SLOTS), tm__key_of(TM__SHARED_SLOTS));
    ck_assert_int_eq(tm__inspect(user).kind, TM__LIVE);
    for (int byte = -16; byte < -8; byte++)
        user[byte] = (char)~user[byte];
    ck_assert_int_eq(tm__inspect(user).kind, TM__DAMAGED);
    tm_free(zeros);
}
END_TEST

/* A header at the beginning of a page, with nothing before it: no wide one, freed or not, with any mark. */
START_TEST(a_prefix_that_cannot_be_read_is_none)
{
    tm_free(tm_malloc(1)); /* the secret is chosen */
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
         *user = pages + 4096 + 16;
    ck_assert_int_eq(mprotect(pages, 4096, PROT_NONE), 0);
    static const uint32_t signatures[] = {TM__WIDE, TM__WIDE_FREED, TM__PLAIN};
    static const enum tm__kind kinds[] = {TM__DAMAGED, TM__FOREIGN, TM__DAMAGED};
    for (int i = 0; i < 3; i++) {
        tm__header_of(user)->mark = ((uintptr_t)user ^ tm__secret) ^ (uint64_t)signatures[i] << 32 ^ 1;
        tm__header_of(user)->account = 0;
        ck_assert_int_eq(tm__inspect(user).kind, kinds[i]);
    }
    munmap(pages, 8192);
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

/* What other memory has in the place of an account is of no slot: small numbers, constants of hash functions. */
START_TEST(no_constant_is_an_account)
{
    static const uint64_t words[] = {
        0, 20, UINT64_C(0x9e3779b900000014), UINT64_C(0x9e3779bb00000014), UINT64_C(0xffffffff00000014), UINT64_MAX};
    tm_free(tm_malloc(1));
    uint64_t *inside = (uint64_t *)malloc(1 << 20) + 1000;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        inside[-1] = words[i];
        ck_assert_int_eq(tm__inspect(inside).kind, TM__FOREIGN);
        ck_assert_uint_ge(tm__slot_in(words[i]), 1 << 20);
    }
    free(inside - 1000);
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

/* The address of an object, in the free one before it, is what a list of free objects is made of. */
START_TEST(before_the_first_allocation_a_list_is_no_header)
{
    void **object = malloc(64);
    object[0] = object + 2;
    object[1] = NULL;
    ck_assert_uint_eq(tm_malloc_usable_size(object + 2), malloc_usable_size(object));
    free(object);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block");
    TCase *tcase = add_case(suite, "block", 60);
    tcase_add_test(tcase, a_live_block_tells_all);
    tcase_add_loop_test(tcase, no_single_bit_goes_unnoticed, 4, 15);
    tcase_add_test(tcase, half_a_header_is_damaged_none_is_foreign);
    tcase_add_test(tcase, an_inverted_mark_behind_zeros_is_damaged);
    tcase_add_test(tcase, a_prefix_that_cannot_be_read_is_none);
    tcase_add_test(tcase, a_header_copied_elsewhere_is_not_live);
    tcase_add_test(tcase, no_constant_is_an_account);
    tcase_add_test(tcase, looking_before_a_pointer_never_faults);
    tcase_add_test(tcase, before_the_first_allocation_all_is_foreign);
    if (BACKEND_KNOWS_OBJECTS)
        tcase_add_test(tcase, before_the_first_allocation_a_list_is_no_header);
    return run_suite(suite);
}
