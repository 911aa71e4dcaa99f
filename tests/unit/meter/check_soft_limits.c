/* SPDX-License-Identifier: BSD-3-Clause */
/* bounds.c: soft limits, sections, and which bounds a fork's child has. */
#define _GNU_SOURCE
#include "support/refusal.h"
#include "support/support.h"

#include <pthread.h>
#include <threadmeter/limits.h>

static tm_tag limited;
static int calls;
static uint64_t told;
static void *by_callback;

static void remember(uint64_t live, void *arg)
{
    calls++;
    told = live;
    ck_assert_ptr_eq(arg, &calls);
    by_callback = tm_malloc(10000); /* far above: not called again for that */
}

static void expect_calls_of_soft_limit(void)
{
    char *low = filled(800), *high = filled(201);
    ck_assert_int_eq(calls, 1);
    ck_assert_uint_eq(told, 1001);
    tm_free(by_callback);
    tm_free(high);
    high = filled(300); /* it was not well below: 800 is, but only an allocation tells */
    ck_assert_int_eq(calls, 2);
    tm_free(by_callback);
    tm_free(filled(500));
    ck_assert_int_eq(calls, 2);
    tm_free(high);
    high = filled(100); /* 800 to 900, and 900 is above seven eighths */
    char *higher = filled(200);
    ck_assert_int_eq(calls, 3);
    tm_free(by_callback);
    tm_free(higher);
    higher = filled(150); /* from 900: not below since */
    ck_assert_int_eq(calls, 3);
    tm_free(higher);
    tm_free(high);
    tm_free(low);
}

START_TEST(a_soft_limit_calls_once_a_crossing)
{
    ck_assert_int_eq(tm_thread_soft_limit(1000, remember, &calls), 0);
    expect_calls_of_soft_limit();
    ck_assert_int_eq(tm_thread_soft_limit(0, NULL, NULL), 0);
    tm_free(filled(5000));
    ck_assert_int_eq(calls, 3);
}
END_TEST

START_TEST(a_tags_soft_limit_calls_once_a_crossing)
{
    limited = tm_tag_open("soft");
    ck_assert_int_eq(tm_tag_soft_limit(limited, 1000, remember, &calls), 0);
    tm_free(filled(5000));
    ck_assert_int_eq(calls, 0);
    tm_tag_enter(limited);
    expect_calls_of_soft_limit();
    ck_assert_int_eq(tm_tag_soft_limit(limited, 1000, NULL, NULL), 0);
    tm_free(filled(5000));
    ck_assert_int_eq(calls, 3);
}
END_TEST

/* A block that is resized was there before, too: what is live was above all the time. */
START_TEST(what_is_resized_above_a_soft_limit_crosses_nothing)
{
    limited = tm_tag_open("soft");
    if (_i == 0)
        ck_assert_int_eq(tm_thread_soft_limit(1000, remember, &calls), 0);
    else
        ck_assert_int_eq(tm_tag_soft_limit(limited, 1000, remember, &calls), 0);
    tm_tag_enter(limited);
    char *block = filled(1100);
    ck_assert_int_eq(calls, 1);
    tm_free(by_callback);
    block = tm_realloc(block, 1200);
    block = tm_realloc(block, 1050);
    block = tm_realloc(block, 50000);
    ck_assert_int_eq(calls, 1);
    block = tm_realloc(block, 800);
    block = tm_realloc(block, 1100);
    ck_assert_int_eq(calls, 2);
    tm_free(by_callback);
    tm_free(block);
}
END_TEST

/* What one callback allocates may cross another soft limit; then both callbacks are called. */
static int thread_calls, outer_calls, inner_calls;
static tm_tag inner_tag;

static void count_call(uint64_t live, void *count)
{
    ck_assert_uint_gt(live, 0);
    ++*(int *)count;
}

static void pass_another(uint64_t live, void *count)
{
    count_call(live, count);
    TM_TAG_SCOPE(inner_tag);
    by_callback = filled(600);
}

START_TEST(two_soft_limits_are_passed_at_once)
{
    tm_tag outer = tm_tag_open("outer");
    inner_tag = tm_tag_open("inner");
    ck_assert_int_eq(tm_thread_soft_limit(1000, pass_another, &thread_calls), 0);
    ck_assert_int_eq(tm_tag_soft_limit(outer, 900, count_call, &outer_calls), 0);
    ck_assert_int_eq(tm_tag_soft_limit(inner_tag, 500, count_call, &inner_calls), 0);
    tm_tag_enter(outer);
    char *block = filled(1001);
    ck_assert_int_eq(tm_tag_current(), outer);
    ck_assert_int_eq(thread_calls, 1);
    ck_assert_int_eq(inner_calls, 1);
    ck_assert_int_eq(outer_calls, 1);
    tm_free(by_callback);
    tm_free(block);
}
END_TEST

static void want_too_much(uint64_t live, void *arg)
{
    remember(live, arg);
    ck_assert_ptr_null(by_callback);
    ck_assert_int_eq(errno, ENOMEM);
    by_callback = tm_malloc(2000 - 1100);
    ck_assert_ptr_nonnull(by_callback);
}

/* The callback's wishes are refused, too; the allocation that it is called for stands. */
START_TEST(a_callback_that_exceeds_a_hard_limit)
{
    ck_assert_int_eq(tm_thread_limit(2000), 0);
    ck_assert_int_eq(tm_thread_soft_limit(1000, want_too_much, &calls), 0);
    char *block = filled(1100);
    ck_assert_int_eq(calls, 1);
    expect_refused(block, 1);
    tm_free(by_callback);
    tm_free(block);
}
END_TEST

static char *looked_at;

static void look_and_write(uint64_t live, void *count)
{
    count_call(live, count);
    ck_assert_uint_eq(tm_malloc_usable_size(looked_at), 1000);
    ck_assert_int_eq(looked_at[998], 'x');
    looked_at[999] = 'y';
}

static void *fill_it(void *unused)
{
    looked_at = filled(1000);
    return unused;
}

/* A block that is resized in place, moved, or claimed is whole while the callback runs, and keeps what that writes. */
START_TEST(a_callback_writes_to_the_block_that_passes)
{
    in_thread(fill_it, NULL);
    char *block = looked_at;
    ck_assert_int_eq(tm_thread_soft_limit(900, look_and_write, &calls), 0);
    if (_i == 0)
        ck_assert_int_eq(tm_claim(block), 0);
    else
        block = tm_realloc(block, _i == 1 ? 1001 : 100000);
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(block[998], 'x');
    ck_assert_int_eq(block[999], 'y');
    struct tm_totals mine = thread_totals();
    expect_live(&mine, tm_malloc_usable_size(block), 1);
    tm_free(block);
    expect_process_live(0, 0);
}
END_TEST

/* Frees by others bring live bytes well below, and the callback is called at the next crossing, too. */
START_TEST(others_make_room_below_a_soft_limit)
{
    limited = tm_tag_open("soft");
    if (_i == 0)
        ck_assert_int_eq(tm_thread_soft_limit(1000, count_call, &calls), 0);
    else
        ck_assert_int_eq(tm_tag_soft_limit(limited, 1000, count_call, &calls), 0);
    tm_tag_enter(limited);
    char *kept = filled(800);
    for (int i = 1; i <= 5; i++) {
        char *given = filled(300);
        ck_assert_int_eq(calls, i);
        in_thread(free_it, given);
    }
    tm_free(kept);
}
END_TEST

static struct tm_section across;
static char *before_fork;
static pthread_barrier_t inside, forked;

static void child_is_bounded(void)
{
    struct tm_totals totals;
    char *rest = filled(1000 - 100 - 600); /* what the parent's other thread has counts here, too */
    expect_refused(rest, 1);
    tm_free(before_fork);
    ck_assert_int_eq(calls, 0);
    tm_tag_enter(0);
    char *high = filled(2001);
    ck_assert_int_eq(calls, 1);
    tm_free(by_callback);
    ck_assert_int_eq(tm_section_end(&across, &totals), 0);
    ck_assert_uint_eq(totals.allocated_bytes, 100 + 300 + 2001 + 10000);
    ck_assert_uint_eq(totals.freed_bytes, 100 + 10000);
    ck_assert_uint_eq(totals.peak_bytes, 300 + 2001 + 10000);
    tm_free(high);
    tm_free(rest);
}

static void *is_in_it_at_the_fork(void *arg)
{
    tm_tag_enter(limited);
    *(void **)arg = filled(600);
    pthread_barrier_wait(&inside);
    pthread_barrier_wait(&forked);
    return NULL;
}

/* Limits and sections are the child's as they were the parent's. */
START_TEST(a_forks_child_is_in_the_same_bounds)
{
    void *left;
    pthread_t thread;
    limited = tm_tag_open("limited");
    pthread_barrier_init(&inside, NULL, 2);
    pthread_barrier_init(&forked, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, is_in_it_at_the_fork, &left), 0);
    pthread_barrier_wait(&inside);
    ck_assert_int_eq(tm_tag_limit(limited, 1000), 0);
    ck_assert_int_eq(tm_thread_soft_limit(2000, remember, &calls), 0);
    ck_assert_int_eq(tm_section_begin(&across), 0);
    tm_tag_enter(limited);
    before_fork = filled(100);
    in_child(child_is_bounded);
    ck_assert_int_eq(calls, 0);
    char *rest = filled(300);
    expect_refused(rest, 1);
    pthread_barrier_wait(&forked);
    pthread_join(thread, NULL);
    tm_free(left);
    tm_free(rest);
    tm_free(before_fork);
    struct tm_totals totals;
    ck_assert_int_eq(tm_section_end(&across, &totals), 0);
    ck_assert_uint_eq(totals.peak_bytes, 400);
}
END_TEST

START_TEST(sections_nest)
{
    struct tm_section outer, inner, never;
    struct tm_totals in_outer, in_inner;
    char *before = filled(5000);
    tm_free(filled(20000)); /* a peak that no section reaches */
    ck_assert_int_eq(tm_section_begin(&outer), 0);
    char *a = filled(100);
    tm_free(filled(1000));
    ck_assert_int_eq(tm_section_begin(&inner), 0);
    char *b = filled(300);
    tm_free(a);
    char *c = filled(50);
    ck_assert_int_eq(tm_section_end(&inner, &in_inner), 0);
    ck_assert_int_eq(tm_section_end(&inner, &in_inner), -EINVAL);
    ck_assert_int_eq(tm_section_end(&never, NULL), -EINVAL);
    tm_free(before);
    ck_assert_int_eq(tm_section_begin(&never), 0);
    ck_assert_int_eq(tm_section_end(&never, NULL), 0);
    ck_assert_int_eq(tm_section_end(&outer, &in_outer), 0);
    ck_assert_uint_eq(in_inner.allocated_bytes, 350);
    ck_assert_uint_eq(in_inner.freed_bytes, 100);
    ck_assert_uint_eq(in_inner.peak_bytes, 300);
    ck_assert_uint_eq(in_outer.allocated_bytes, 1450);
    ck_assert_uint_eq(in_outer.freed_bytes, 6100);
    ck_assert_uint_eq(in_outer.peak_bytes, 1100);
    ck_assert_int_eq((int64_t)tm_live_bytes(&in_outer), 350 - 5000);
    ck_assert_uint_eq(thread_totals().peak_bytes, 25000);
    tm_free(b);
    tm_free(c);
}
END_TEST

/* The highest of a section, step by step, against a ledger: across tags, with frees by others. */
START_TEST(a_sections_peak_is_exact)
{
    uint64_t random = (uint64_t)_i + 1, live = 0, high = 0, outer_high = 0, start = 0;
    void *blocks[32] = {0};
    size_t sizes[32] = {0};
    tm_tag tags[3] = {0, tm_tag_open("a"), tm_tag_open("b")};
    struct tm_section outer, section;
    struct tm_totals totals;
    tm_section_begin(&outer);
    for (int round = 0; round < 50; round++) {
        tm_section_begin(&section);
        start = high = live;
        for (int i = 0; i < 100; i++) {
            uint64_t which = random_next(&random) % 32;
            tm_tag_enter(tags[random_next(&random) % 3]);
            live -= sizes[which];
            if (random_next(&random) % 16 == 0)
                in_thread(free_it, blocks[which]);
            else
                tm_free(blocks[which]);
            sizes[which] = random_next(&random) % 4 == 0 ? 0 : 1 + random_next(&random) % 500;
            blocks[which] = sizes[which] ? tm_malloc(sizes[which]) : NULL;
            live += sizes[which];
            high = live > high ? live : high;
        }
        outer_high = high > outer_high ? high : outer_high;
        ck_assert_int_eq(tm_section_end(&section, &totals), 0);
        ck_assert_uint_eq(totals.peak_bytes, high - start);
    }
    ck_assert_int_eq(tm_section_end(&outer, &totals), 0);
    ck_assert_uint_eq(totals.peak_bytes, outer_high);
    ck_assert_uint_eq(thread_totals().peak_bytes, outer_high);
    for (int i = 0; i < 32; i++)
        tm_free(blocks[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("soft_limits");
    TCase *tcase = add_case(suite, "soft_limits", 60);
    tcase_add_test(tcase, a_soft_limit_calls_once_a_crossing);
    tcase_add_test(tcase, a_tags_soft_limit_calls_once_a_crossing);
    tcase_add_loop_test(tcase, what_is_resized_above_a_soft_limit_crosses_nothing, 0, 2);
    tcase_add_test(tcase, two_soft_limits_are_passed_at_once);
    tcase_add_test(tcase, a_callback_that_exceeds_a_hard_limit);
    tcase_add_loop_test(tcase, a_callback_writes_to_the_block_that_passes, 0, 3);
    tcase_add_loop_test(tcase, others_make_room_below_a_soft_limit, 0, 2);
    tcase_add_test(tcase, a_forks_child_is_in_the_same_bounds);
    tcase_add_test(tcase, sections_nest);
    tcase_add_loop_test(tcase, a_sections_peak_is_exact, 0, 5);
    return run_suite(suite);
}
