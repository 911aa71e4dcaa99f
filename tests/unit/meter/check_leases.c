/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lease.h, tag_limits.c: limits of tags while other threads have leases of what is left. Each answer is compared with
 * the test's own sum.
 */
#define _GNU_SOURCE
#include "support/refusal.h"
#include "support/support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <threadmeter/limits.h>

enum { CROWD = SANITIZED ? 16 : 64, FAR = 1 << 20 };

static tm_tag limited;

/* ---- threads that have a lease and do nothing ---- */

static pthread_t crowd[CROWD];
static pthread_barrier_t step;
static void *held[CROWD];
static _Atomic int admitted;
static size_t wanted; /* by each of them, in the second step */

static void pass_step(void)
{
    pthread_barrier_wait(&step);
}

/* Has a block in the tag, and a lease; at the next step each tries to allocate `wanted` more. */
static void *have_a_lease(void *arg)
{
    uintptr_t number = (uintptr_t)arg;
    tm_tag_enter(limited);
    held[number] = filled(1000);
    tm_free(filled(500));
    pass_step();
    pass_step();
    void *more = wanted > 0 ? tm_malloc(wanted) : NULL;
    admitted += more != NULL;
    pass_step();
    pass_step();
    tm_free(more);
    tm_free(held[number]);
    return NULL;
}

static void start_crowd(void)
{
    pthread_barrier_init(&step, NULL, CROWD + 1);
    for (uintptr_t i = 0; i < CROWD; i++)
        ck_assert_int_eq(pthread_create(&crowd[i], NULL, have_a_lease, (void *)i), 0);
    pass_step();
}

/* All threads try to allocate so much at once; how many succeed. Their blocks live until end_crowd(). */
static int let_crowd_try(size_t size)
{
    wanted = size;
    pass_step();
    pass_step();
    return admitted;
}

static void end_crowd(void)
{
    pass_step();
    for (int i = 0; i < CROWD; i++)
        pthread_join(crowd[i], NULL);
    pthread_barrier_destroy(&step);
}

static void expect_to_the_byte(uint64_t left)
{
    ck_assert_ptr_null(tm_malloc(left + 1));
    char *rest = filled(left);
    expect_refused(rest, 1);
    tm_free(rest);
}

static void open_limited(uint64_t limit)
{
    limited = tm_tag_open("limited");
    ck_assert_int_eq(tm_tag_limit(limited, limit), 0);
}

START_TEST(what_others_have_leased_is_refused_to_nobody)
{
    open_limited(FAR);
    start_crowd();
    tm_tag_enter(limited);
    expect_to_the_byte(FAR - CROWD * 1000);
    char *small = filled(10); /* after the sum was taken, there are leases again */
    expect_to_the_byte(FAR - CROWD * 1000 - 10);
    ck_assert_int_eq(let_crowd_try((FAR - CROWD * 1000 - 10) / 2), 2);
    ck_assert_uint_le(tag_totals(limited).allocated_bytes - tag_totals(limited).freed_bytes, FAR);
    end_crowd();
    tm_free(small);
    expect_to_the_byte(FAR);
    expect_tag(limited, 0, 0);
}
END_TEST

/* Leases of the old limit are worth nothing after the call. */
START_TEST(a_lower_limit_holds_at_once)
{
    open_limited(FAR);
    start_crowd();
    ck_assert_int_eq(tm_tag_limit(limited, CROWD * 1000 + 250), 0);
    ck_assert_int_eq(let_crowd_try(100), 2);
    tm_tag_enter(limited);
    expect_to_the_byte(50);
    end_crowd();
    expect_tag(limited, 0, 0);
}
END_TEST

/* So do watermarks: blocks were allocated while there was no limit at all. */
START_TEST(a_first_limit_holds_for_who_has_been_inside)
{
    open_limited(0);
    start_crowd();
    if (_i == 1) { /* somebody has a lease while the others have not yet asked */
        ck_assert_int_eq(tm_tag_limit(limited, FAR), 0);
        tm_tag_enter(limited);
        tm_free(filled(100));
        tm_free(filled(100));
    }
    ck_assert_int_eq(tm_tag_limit(limited, CROWD * 1000 + 250), 0);
    ck_assert_int_eq(let_crowd_try(100), 2);
    tm_tag_enter(limited);
    expect_to_the_byte(50);
    ck_assert_int_eq(tm_tag_limit(limited, 0), 0);
    tm_free(filled(FAR));
    end_crowd();
    expect_tag(limited, 0, 0);
}
END_TEST

static void *leave_with_a_lease(void *block)
{
    tm_tag_enter(limited);
    *(void **)block = filled(1000);
    tm_free(filled(500));
    return NULL;
}

START_TEST(the_dead_have_no_lease)
{
    void *left;
    open_limited(FAR);
    in_thread(leave_with_a_lease, &left);
    tm_tag_enter(limited);
    expect_to_the_byte(FAR - 1000);
    tm_free(left);
    expect_to_the_byte(FAR);
}
END_TEST

static void child_has_all(void)
{
    expect_to_the_byte(FAR - CROWD * 1000 - 10);
    char *block = filled(FAR - CROWD * 1000 - 10 - 100);
    tm_free(filled(50));
    expect_to_the_byte(100);
    tm_free(block);
}

START_TEST(a_forks_child_has_the_leases_of_threads_that_are_not_there)
{
    open_limited(FAR);
    start_crowd();
    tm_tag_enter(limited);
    char *mine = filled(10);
    in_child(child_has_all);
    expect_to_the_byte(FAR - CROWD * 1000 - 10);
    ck_assert_int_eq(let_crowd_try(0), 0);
    end_crowd();
    tm_free(mine);
}
END_TEST

/* ---- soft limits ---- */

static _Atomic int calls;
static _Atomic uint64_t told;

static void count_call(uint64_t live, void *unused)
{
    (void)unused;
    calls++;
    told = live;
}

START_TEST(a_soft_limit_is_crossed_by_the_sum_of_all)
{
    open_limited(_i == 0 ? 0 : FAR);
    ck_assert_int_eq(tm_tag_soft_limit(limited, FAR / 2, count_call, NULL), 0);
    start_crowd();
    tm_tag_enter(limited);
    uint64_t left = FAR / 2 - CROWD * 1000;
    char *rest = filled(left);
    ck_assert_int_eq(calls, 0);
    char *one = filled(1);
    ck_assert_int_eq(calls, 1);
    ck_assert_uint_eq(told, FAR / 2 + 1);
    tm_free(rest);
    rest = filled(left - FAR / 8); /* between: far below, and at once far above again */
    tm_free(rest);
    rest = filled(left + 2);
    ck_assert_int_eq(calls, 2);
    ck_assert_uint_eq(told, FAR / 2 + 3);
    tm_free(rest);
    tm_free(one);
    ck_assert_int_eq(let_crowd_try(0), 0);
    end_crowd();
    ck_assert_int_eq(calls, 2);
}
END_TEST

/* Whether live bytes have been well below it is seen by each block, also where there could be a lease. */
START_TEST(a_soft_limit_that_was_crossed_is_looked_at_by_each_block)
{
    enum { SOFT = 1 << 19, PIECE = 1000, PIECES = (SOFT / 2 - SOFT / 16) / PIECE };
    open_limited(0);
    ck_assert_int_eq(tm_tag_soft_limit(limited, SOFT, count_call, NULL), 0);
    tm_tag_enter(limited);
    char *low = filled(SOFT / 2), *high = filled(SOFT / 2 - SOFT / 16);
    tm_free(filled(SOFT / 8));
    ck_assert_int_eq(calls, 1);
    char *pieces[2 + PIECES];
    pieces[0] = filled(PIECE);
    tm_free(high);
    for (int i = 1; i < 2 + PIECES; i++)
        pieces[i] = filled(PIECE);
    ck_assert_int_eq(calls, 1);
    tm_free(filled(SOFT / 8));
    ck_assert_int_eq(calls, 2);
    for (int i = 0; i < 2 + PIECES; i++)
        tm_free(pieces[i]);
    tm_free(low);
}
END_TEST

/* ---- one thread, against a ledger ---- */

START_TEST(limits_of_tags_in_any_order)
{
    enum { TAGS = 3, BLOCKS = 32, STEPS = 8000 };
    uint64_t random = (uint64_t)_i + 1, live[TAGS] = {0}, peak[TAGS] = {0}, limit[TAGS] = {0}, all = 0, thread_peak = 0;
    tm_tag tags[TAGS] = {tm_tag_open("a"), tm_tag_open("b"), tm_tag_open("c")};
    struct {
        void *at;
        size_t size, tag;
    } blocks[BLOCKS] = {{0}};
    size_t now = 0;
    tm_tag_enter(tags[now]);
    for (int i = 0; i < STEPS; i++) {
        size_t which = random_next(&random) % BLOCKS, size = 1 + random_next(&random) % 3000;
        size_t old = blocks[which].size, was_in = blocks[which].tag, tag = random_next(&random) % TAGS;
        switch (random_next(&random) % 32) {
        case 0:
            limit[tag] = random_next(&random) % 4 == 0 ? 0 : random_next(&random) % (live[tag] * 4 + 90000) + 1;
            ck_assert_int_eq(tm_tag_limit(tags[tag], limit[tag]), 0);
            break;
        case 1:
        case 2:
            tm_tag_enter(tags[now = tag]);
            break;
        case 3: /* who frees does not matter */
            if (blocks[which].at && _i % 2 == 0) {
                in_thread(free_it, blocks[which].at);
                live[was_in] -= old;
                all -= old;
                blocks[which].at = NULL;
                blocks[which].size = 0;
            }
            break;
        case 4 ... 14:
            tm_free(blocks[which].at);
            live[was_in] -= old;
            all -= old;
            blocks[which].at = NULL;
            blocks[which].size = 0;
            break;
        default: {
            uint64_t freed = was_in == now ? old : 0, then = live[now] - freed + size;
            bool refused = limit[now] != 0 && then > limit[now] && size > freed;
            void *moved = tm_realloc(blocks[which].at, size);
            ck_assert_msg(!moved == refused, "step %d: %zu instead of %zu, live %lu, limit %lu", i, size, old,
                          live[now], limit[now]);
            if (refused)
                break;
            live[was_in] -= old;
            live[now] += size;
            all += size - old;
            blocks[which].at = moved;
            blocks[which].size = size;
            blocks[which].tag = now;
            peak[now] = live[now] > peak[now] ? live[now] : peak[now];
            thread_peak = all > thread_peak ? all : thread_peak;
        }
        }
        if (i % 100 != 0)
            continue;
        for (int j = 0; j < TAGS; j++) {
            struct tm_totals totals = tag_totals(tags[j]);
            ck_assert_uint_eq(tm_live_bytes(&totals), live[j]);
            ck_assert_uint_eq(totals.peak_bytes, peak[j]);
        }
        ck_assert_uint_eq(thread_totals().peak_bytes, thread_peak);
    }
    for (int i = 0; i < BLOCKS; i++)
        tm_free(blocks[i].at);
}
END_TEST

/* ---- many threads, near the limit and far from it, in turn ---- */

enum { KEEP = 16, BOUTS = SANITIZED ? 4 : 12, TRIES = SANITIZED ? 300 : 1500, PRESSED = CROWD * KEEP * 40 };

static _Atomic uint64_t live, most; /* counted after each allocation, and before each free: never more than is live */
static _Atomic uint64_t refusals;
static uint64_t in_hand[CROWD];
static _Atomic(void *) swapped[CROWD];

static void count(size_t size)
{
    uint64_t now = atomic_fetch_add(&live, size) + size, high = most;
    while (now > high && !atomic_compare_exchange_weak(&most, &high, now))
        ;
}

static size_t size_of(void *block)
{
    return block ? tm_malloc_usable_size(block) : 0; /* what was asked for, to the byte */
}

static void free_counted(void *block)
{
    live -= size_of(block);
    tm_free(block);
}

/*
 * At rest, after each bout, the first thread asks for all that is left, and for one byte more. In some bouts the sizes
 * are so small that all blocks together are far from the limit, in others they press against it.
 */
static void *press(void *arg)
{
    uintptr_t number = (uintptr_t)arg;
    uint64_t random = number + 1;
    void *blocks[KEEP] = {0};
    tm_tag_enter(limited);
    for (int bout = 0; bout < BOUTS; bout++) {
        size_t largest = bout % 3 == 0 ? 20 : bout % 3 == 1 ? 100 : 5000;
        for (int i = 0; i < TRIES; i++) {
            uint64_t which = random_next(&random) % KEEP;
            if (which % 8 == 0) { /* another thread frees it, or this one does */
                free_counted(atomic_exchange(&swapped[(number + which / 8 + 1) % CROWD], blocks[which]));
            } else {
                free_counted(blocks[which]);
            }
            size_t size = 1 + random_next(&random) % largest;
            blocks[which] = tm_malloc(size);
            if (blocks[which])
                count(size);
            else
                refusals++;
        }
        in_hand[number] = 0;
        for (int i = 0; i < KEEP; i++)
            in_hand[number] += size_of(blocks[i]);
        pass_step();
        if (number == 0) {
            uint64_t sum = 0;
            for (int i = 0; i < CROWD; i++)
                sum += in_hand[i] + size_of(swapped[i]);
            ck_assert_uint_eq(sum, live);
            ck_assert_uint_le(sum, PRESSED);
            ck_assert_ptr_null(tm_malloc(PRESSED - sum + 1));
            void *rest = tm_malloc(PRESSED - sum);
            ck_assert_msg(rest || sum == PRESSED, "bout %d: refused, though %lu of %d are live", bout, sum, PRESSED);
            tm_free(rest);
        }
        pass_step();
    }
    for (int i = 0; i < KEEP; i++)
        free_counted(blocks[i]);
    return NULL;
}

START_TEST(a_crowd_at_a_limit)
{
    open_limited(PRESSED);
    pthread_barrier_init(&step, NULL, CROWD);
    for (uintptr_t i = 0; i < CROWD; i++)
        ck_assert_int_eq(pthread_create(&crowd[i], NULL, press, (void *)i), 0);
    for (int i = 0; i < CROWD; i++)
        pthread_join(crowd[i], NULL);
    for (int i = 0; i < CROWD; i++)
        free_counted(swapped[i]);
    ck_assert_uint_eq(live, 0);
    ck_assert_uint_le(most, PRESSED);
    ck_assert_uint_gt(refusals, 0);
    expect_tag(limited, 0, 0);
    expect_process_live(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("leases");
    TCase *tcase = add_case(suite, "leases", 300);
    tcase_add_test(tcase, what_others_have_leased_is_refused_to_nobody);
    tcase_add_test(tcase, a_lower_limit_holds_at_once);
    tcase_add_loop_test(tcase, a_first_limit_holds_for_who_has_been_inside, 0, 2);
    tcase_add_test(tcase, the_dead_have_no_lease);
    if (!SANITIZED)
        tcase_add_test(tcase, a_forks_child_has_the_leases_of_threads_that_are_not_there);
    tcase_add_loop_test(tcase, a_soft_limit_is_crossed_by_the_sum_of_all, 0, 2);
    tcase_add_test(tcase, a_soft_limit_that_was_crossed_is_looked_at_by_each_block);
    tcase_add_loop_test(tcase, limits_of_tags_in_any_order, 0, 8);
    tcase_add_test(tcase, a_crowd_at_a_limit);
    return run_suite(suite);
}
