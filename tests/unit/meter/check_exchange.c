/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a tag's limit sees of a block that is reallocated or claimed: its old bytes or its new ones, never both, and never
 * neither.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <threadmeter/limits.h>

/* What fits beside either size of the block, and what does not beside any. */
enum { SMALL = 100, TRIES = SANITIZED ? 1000 : 80000 };

static tm_tag limited;
static size_t low, high; /* sizes that the block has in turn */
static void *exchanged;
static _Atomic bool over;
static _Atomic uint64_t turns;

static void *resize_all_the_time(void *unused)
{
    tm_tag_enter(limited);
    for (; !over; turns++) {
        exchanged = tm_realloc(exchanged, turns % 2 == 0 ? high : low);
        ck_assert_ptr_nonnull(exchanged);
    }
    return unused;
}

/* Two of these, of the same block: each turn is the other's next. */
static void *claim_in_turn(void *arg)
{
    tm_tag_enter(limited);
    while (!over) {
        if (turns % 2 != (uintptr_t)arg) {
            sched_yield();
            continue;
        }
        ck_assert_int_eq(tm_claim(exchanged), 0);
        turns++;
    }
    return NULL;
}

/* While the others exchange the block, this thread allocates beside it in the same tag. */
static void expect_one_of_both(void)
{
    for (int i = 0; i < (high < 10000 ? TRIES : TRIES / 20) || turns < 20; i++) {
        void *fits = tm_malloc(SMALL);
        ck_assert_msg(fits, "refused in turn %lu: the block is counted twice", (unsigned long)turns);
        void *exceeds = tm_malloc(high - low + SMALL);
        ck_assert_msg(!exceeds, "not refused in turn %lu: the block is not counted", (unsigned long)turns);
        tm_free(fits);
    }
}

static void exchange_by(void *(*body)(void *), uintptr_t threads)
{
    pthread_t running[2];
    limited = tm_tag_open("limited");
    ck_assert_int_eq(tm_tag_limit(limited, high + SMALL), 0);
    tm_tag_enter(limited);
    exchanged = filled(low);
    for (uintptr_t i = 0; i < threads; i++)
        ck_assert_int_eq(pthread_create(&running[i], NULL, body, (void *)i), 0);
    expect_one_of_both();
    over = true;
    for (uintptr_t i = 0; i < threads; i++)
        pthread_join(running[i], NULL);
    tm_free(exchanged);
    expect_tag(limited, 0, 0);
    expect_process_live(0, 0);
}

/* In the same object; from one to another; in one of whole pages, between two of them. */
START_TEST(a_block_that_is_resized_is_counted_once)
{
    static const size_t sizes[][2] = {{600, 601}, {600, 900}, {300000, 301000}, {300000, 900000}};
    low = sizes[_i][0];
    high = sizes[_i][1];
    exchange_by(resize_all_the_time, 1);
}
END_TEST

START_TEST(a_block_that_is_claimed_is_counted_once)
{
    low = high = 600;
    exchange_by(claim_in_turn, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exchange");
    TCase *tcase = add_case(suite, "exchange", 120);
    tcase_add_loop_test(tcase, a_block_that_is_resized_is_counted_once, 0, 4);
    tcase_add_test(tcase, a_block_that_is_claimed_is_counted_once);
    return run_suite(suite);
}
