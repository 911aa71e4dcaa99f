/* SPDX-License-Identifier: BSD-3-Clause */
/* claim.c: blocks that change their owner. */
#define _GNU_SOURCE
#include "support.h"

#include <threadmeter/limits.h>

static struct tm_totals tag_totals(tm_tag tag)
{
    struct tm_totals totals;
    ck_assert_int_eq(tm_tag_totals(tag, &totals), 0);
    return totals;
}

static char *filled(size_t size)
{
    char *block = tm_malloc(size);
    ck_assert_ptr_nonnull(block);
    memset(block, 'x', size);
    return block;
}

static void *free_it(void *arg)
{
    tm_free(arg);
    return NULL;
}

static void *claim_it(void *arg)
{
    ck_assert_int_eq(tm_claim(arg), 0);
    ck_assert_int_eq(tm_claim(arg), 0);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, tm_malloc_usable_size(arg), 1);
    tm_free(arg);
    mine = thread_totals();
    expect_live(&mine, 0, 0);
    ck_assert_uint_eq(mine.freed_by_others_blocks, 0);
    return NULL;
}

START_TEST(a_claimed_block_is_the_claimers)
{
    static const size_t sizes[] = {0, 1, 100, 100000, 3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t alignment = 16; alignment <= 4096; alignment *= 16) {
            char *block = tm_memalign(alignment, sizes[i]);
            memset(block, 'x', sizes[i]);
            in_thread(claim_it, block);
            struct tm_totals mine = thread_totals();
            expect_live(&mine, 0, 0);
        }
    expect_process_live(0, 0);
}
END_TEST

static void *claim_from(void *arg)
{
    void **blocks = arg;
    ck_assert_int_eq(tm_claim_all(blocks, 10), 0);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 450, 10);
    return NULL;
}

START_TEST(claims_of_many_between_threads_and_tags)
{
    void *blocks[11] = {0};
    for (size_t i = 0; i < 10; i++)
        blocks[i] = tm_malloc(i * 10);
    in_thread(claim_from, blocks); /* the thread is gone, and owns them */
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 0, 0);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 1);

    tm_tag tag = tm_tag_open("claimed");
    tm_tag_enter(tag);
    blocks[10] = &mine;
    ck_assert_int_eq(tm_claim_all(blocks, 11), -EINVAL); /* none of them */
    struct tm_totals totals = tag_totals(tag);
    expect_live(&totals, 0, 0);
    ck_assert_int_eq(tm_claim_all(blocks, 10), 0);
    totals = tag_totals(tag);
    expect_live(&totals, 450, 10);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    tm_tag_enter(0);
    ck_assert_int_eq(tm_claim(blocks[9]), 0); /* from one's own tag */
    totals = tag_totals(tag);
    expect_live(&totals, 360, 9);
    ck_assert_uint_eq(thread_totals().peak_bytes, 450);
    for (int i = 0; i < 10; i++)
        tm_free(blocks[i]);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(what_cannot_be_claimed)
{
    char buffer[64] = {0}, *block = filled(100);
    void *foreign = malloc(50);
    errno = 4321;
    ck_assert_int_eq(tm_claim(NULL), -EINVAL);
    ck_assert_int_eq(tm_claim(buffer + 32), -EINVAL);
    ck_assert_int_eq(tm_claim(block + 16), -EINVAL);
    ck_assert_int_eq(tm_claim(foreign), -EINVAL);
    tm_thread_limit(100);
    ck_assert_int_eq(tm_claim(block), 0); /* it is the caller's already */
    void *other;
    in_thread(free_it, NULL);
    tm_thread_limit(0);
    ck_assert_int_eq(errno, 4321);
    tm_tag tag = tm_tag_open("small");
    tm_tag_limit(tag, 99);
    tm_tag_enter(tag);
    ck_assert_int_eq(tm_claim(block), -ENOMEM);
    struct tm_totals totals = tag_totals(tag);
    expect_live(&totals, 0, 0);
    other = block;
    tm_free(other);
    free(foreign);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("claim");
    TCase *tcase = add_case(suite, "claim", 60);
    tcase_add_test(tcase, a_claimed_block_is_the_claimers);
    tcase_add_test(tcase, claims_of_many_between_threads_and_tags);
    tcase_add_test(tcase, what_cannot_be_claimed);
    return run_suite(suite);
}
