/* SPDX-License-Identifier: BSD-3-Clause */
/* bounds.c: hard limits, and the peak that is computed with them. */
#define _GNU_SOURCE
#include "support/refusal.h"
#include "support/support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <threadmeter/limits.h>

START_TEST(a_thread_gets_to_its_limit_and_no_further)
{
    ck_assert_int_eq(tm_thread_limit(1000), 0);
    char *first = filled(400), *second = filled(500);
    expect_refused(first, 101);
    char *third = filled(100); /* to the byte */
    expect_refused(first, 1);
    tm_free(second);
    char *fourth = filled(500);
    expect_refused(fourth, 1);
    ck_assert_int_eq(tm_thread_limit(0), 0);
    second = filled(100000);
    ck_assert_uint_eq(thread_totals().peak_bytes, 101000);
    tm_free(first);
    tm_free(second);
    tm_free(third);
    tm_free(fourth);
    expect_process_live(0, 0);
}
END_TEST

/* The old block makes room for the new one. */
START_TEST(realloc_within_the_limit)
{
    ck_assert_int_eq(tm_thread_limit(1000000), 0);
    char *block = filled(10);
    for (size_t size = 10; size <= 1000000; size = size * 3 / 2 + 1) {
        block = tm_realloc(block, size);
        ck_assert_ptr_nonnull(block);
        memset(block, 'x', size);
    }
    block = tm_realloc(block, 1000000);
    ck_assert_ptr_nonnull(block);
    memset(block, 'x', 1000000);
    expect_refused(block, 1);
    block = tm_realloc(block, 100);
    expect_refused(block, 999901);
    tm_free(block);
    expect_process_live(0, 0);
}
END_TEST

START_TEST(a_limit_below_what_is_live)
{
    char *block = filled(5000);
    ck_assert_int_eq(tm_thread_limit(1000), 0);
    expect_refused(block, 1);
    block = tm_realloc(block, 900);
    ck_assert_ptr_nonnull(block);
    char *more = filled(100);
    expect_refused(block, 1);
    tm_free(more);
    tm_free(block);
}
END_TEST

START_TEST(what_others_free_makes_room_at_once)
{
    ck_assert_int_eq(tm_thread_limit(1000), 0);
    char *given = filled(600), *kept = filled(400);
    for (int i = 0; i < 20; i++) {
        expect_refused(kept, 1);
        in_thread(free_it, given);
        given = filled(600);
    }
    tm_free(given);
    tm_free(kept);
}
END_TEST

START_TEST(the_limit_is_of_all_tags_together)
{
    tm_tag a = tm_tag_open("a"), b = tm_tag_open("b");
    ck_assert_int_eq(tm_thread_limit(1000), 0);
    tm_tag_enter(a);
    char *first = filled(600);
    tm_tag_enter(b);
    char *second = filled(300);
    expect_refused(second, 101);
    tm_tag_enter(0);
    char *third = filled(100);
    expect_refused(third, 1);
    tm_free(first);
    tm_tag_enter(b);
    first = filled(600);
    expect_refused(first, 1);
    tm_free(first);
    tm_free(second);
    tm_free(third);
}
END_TEST

/* Each result, and the peak after it, against the test's own computation, after any earlier steps. */
START_TEST(limits_and_peaks_in_any_order)
{
    enum { TAGS = 4, BLOCKS = 24 };
    tm_tag tags[TAGS] = {0, tm_tag_open("a"), tm_tag_open("b"), tm_tag_open("c")};
    uint64_t random = (uint64_t)_i + 1, live = 0, peak = 0, limit = 0;
    struct {
        void *at;
        size_t size;
    } blocks[BLOCKS] = {{0}};
    for (int step = 0; step < 5000; step++) {
        size_t which = random_next(&random) % BLOCKS, size = 1 + random_next(&random) % 3000;
        size_t old = blocks[which].size;
        switch (random_next(&random) % 16) {
        case 0:
            limit = random_next(&random) % 3 == 0 ? 0 : random_next(&random) % (live * 2 + 2000) + 1;
            ck_assert_int_eq(tm_thread_limit(limit), 0);
            break;
        case 1:
        case 2:
        case 3:
            tm_tag_enter(tags[random_next(&random) % TAGS]);
            break;
        case 4:
            if (blocks[which].at) /* no tag's, no growth: another owner of the same thread's */
                ck_assert_int_eq(tm_claim(blocks[which].at), 0);
            break;
        case 5:
        case 6:
        case 7:
        case 8:
            tm_free(blocks[which].at);
            live -= old;
            blocks[which].at = NULL;
            blocks[which].size = 0;
            break;
        default: {
            bool refused = limit != 0 && live - old + size > limit && size > old;
            void *moved = tm_realloc(blocks[which].at, size);
            ck_assert_msg(!moved == refused, "step %d: %zu instead of %zu, live %lu, limit %lu", step, size, old, live,
                          limit);
            if (refused)
                break;
            live += size - old;
            blocks[which].at = moved;
            blocks[which].size = size;
        }
        }
        peak = live > peak ? live : peak;
        struct tm_totals mine = thread_totals();
        ck_assert_uint_eq(tm_live_bytes(&mine), live);
        ck_assert_msg(mine.peak_bytes == peak, "step %d: peak %lu, not %lu", step, mine.peak_bytes, peak);
    }
    for (int i = 0; i < BLOCKS; i++)
        tm_free(blocks[i].at);
}
END_TEST

enum { MEMBERS = 4, TAG_LIMIT = 30000 };

static tm_tag limited;
static _Atomic uint64_t refusals,
    held; /* counted after each allocation and before each free: never more than is live */

static void *press(void *arg)
{
    uint64_t random = (uintptr_t)arg + 1;
    void *blocks[16] = {0};
    size_t sizes[16] = {0};
    tm_tag_enter(limited);
    for (int i = 0; i < 3000; i++) {
        uint64_t which = random_next(&random) % 16;
        size_t size = 1 + random_next(&random) % 5000;
        atomic_fetch_sub(&held, sizes[which]);
        tm_free(blocks[which]);
        blocks[which] = tm_malloc(size);
        sizes[which] = blocks[which] ? size : 0;
        if (blocks[which])
            ck_assert_uint_le(atomic_fetch_add(&held, size) + size, TAG_LIMIT);
        else
            atomic_fetch_add(&refusals, errno == ENOMEM);
    }
    for (int i = 0; i < 16; i++) {
        atomic_fetch_sub(&held, sizes[i]);
        tm_free(blocks[i]);
    }
    return NULL;
}

START_TEST(a_tags_limit_holds_for_all_threads_together)
{
    limited = tm_tag_open("limited");
    ck_assert_int_eq(tm_tag_limit(limited, TAG_LIMIT), 0);
    pthread_t threads[MEMBERS];
    for (uintptr_t i = 0; i < MEMBERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, press, (void *)i), 0);
    for (int i = 0; i < MEMBERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_gt(refusals, 0); /* even those of one thread alone do not always fit */
    struct tm_totals totals = tag_totals(limited);
    expect_live(&totals, 0, 0);
    expect_process_live(0, 0);

    /* To the byte, by two threads. */
    tm_tag_enter(limited);
    char *mine = filled(TAG_LIMIT - 10);
    expect_refused(mine, 11);
    char *rest = filled(10);
    expect_refused(mine, 1);
    tm_tag_enter(0);
    tm_free(tm_malloc(TAG_LIMIT)); /* outside there is none */
    tm_free(mine);
    tm_free(rest);
}
END_TEST

static pthread_barrier_t inside, set;

static void *is_in_it_already(void *arg)
{
    tm_tag_enter(limited);
    tm_free(filled(1000000)); /* a peak far above the limit to come */
    pthread_barrier_wait(&inside);
    pthread_barrier_wait(&set);
    char *block = filled(1000);
    expect_refused(block, 1);
    tm_free(block);
    return arg;
}

START_TEST(a_tags_limit_holds_for_who_is_in_it)
{
    limited = tm_tag_open("limited");
    pthread_barrier_init(&inside, NULL, 2);
    pthread_barrier_init(&set, NULL, 2);
    pthread_t thread;
    pthread_create(&thread, NULL, is_in_it_already, NULL);
    pthread_barrier_wait(&inside);
    ck_assert_int_eq(tm_tag_limit(limited, 1000), 0);
    pthread_barrier_wait(&set);
    pthread_join(thread, NULL);
    ck_assert_int_eq(tm_tag_limit(limited, 0), 0);
    ck_assert_int_eq(tm_tag_close(limited), 0);
    ck_assert_int_eq(tm_tag_limit(limited, 1000), -EINVAL);
    ck_assert_int_eq(tm_tag_soft_limit(limited, 1000, NULL, NULL), -EINVAL);
    ck_assert_int_eq(tm_tag_limit(0, 1000), -EINVAL);
    ck_assert_int_eq(tm_tag_limit(limited + 4096, 1000), -EINVAL);
}
END_TEST

START_TEST(limits_from_outside)
{
    setenv("THREADMETER_LIMIT", "parser=1K,net=2M,all=3,other=500", 1);
    tm_tag parser = tm_tag_open("parser"), net = tm_tag_open("net"), pars = tm_tag_open("pars");
    tm_tag_enter(parser);
    char *block = filled(1024);
    expect_refused(block, 1);
    tm_tag_enter(net);
    char *more = filled(2 << 20);
    expect_refused(more, 1);
    tm_tag_enter(pars);
    tm_free(filled(3 << 20));
    tm_free(more);
    tm_free(block);
    tm_tag_enter(TM_TAG_OTHER);
    block = filled(500);
    expect_refused(block, 1);
    tm_free(block);
}
END_TEST

static void *leave_600_in_it(void *arg)
{
    tm_tag_enter(limited);
    *(void **)arg = filled(600);
    return NULL;
}

/* Blocks that exited threads left in a tag count until they are freed. */
START_TEST(what_the_dead_left_counts_for_a_tags_limit)
{
    void *left;
    limited = tm_tag_open("limited");
    in_thread(leave_600_in_it, &left);
    ck_assert_int_eq(tm_tag_limit(limited, 500), 0); /* below what is live */
    tm_tag_enter(limited);
    ck_assert_ptr_null(tm_malloc(1));
    ck_assert_int_eq(tm_tag_limit(limited, 1000), 0);
    char *mine = filled(400);
    expect_refused(mine, 1);
    tm_free(left);
    char *more = filled(600);
    expect_refused(mine, 1);
    tm_free(mine);
    tm_free(more);
}
END_TEST

enum { HANDED = 100, HAND_LIMIT = 1000, HANDED_IN_ALL = SANITIZED ? 1000 : 5000 };

static void *_Atomic handed;
static _Atomic uint64_t free_begun, free_done;

static void *free_what_is_handed(void *unused)
{
    for (int i = 0; i < HANDED_IN_ALL;) {
        void *block = atomic_exchange(&handed, NULL);
        if (!block) {
            sched_yield();
            continue;
        }
        free_begun += HANDED;
        tm_free(block);
        free_done += HANDED;
        i++;
    }
    return unused;
}

/* Another thread frees what this one allocates: never a byte above the limit, and none is refused that fits. */
START_TEST(a_limit_is_exact_while_others_free)
{
    limited = tm_tag_open("limited");
    ck_assert_int_eq(_i == 0 ? tm_thread_limit(HAND_LIMIT) : tm_tag_limit(limited, HAND_LIMIT), 0);
    tm_tag_enter(limited);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, free_what_is_handed, NULL), 0);
    void *own[HAND_LIMIT / HANDED];
    uint64_t allocated = 0;
    for (int given = 0, count = 0; given < HANDED_IN_ALL;) {
        uint64_t done = free_done;
        void *block = tm_malloc(HANDED);
        ck_assert_msg(block || allocated + HANDED - done > HAND_LIMIT, "refused: %lu of %d freed", done, given);
        if (block) {
            allocated += HANDED;
            ck_assert_uint_le(allocated - free_begun, HAND_LIMIT);
            own[count++] = block;
        }
        void *none = NULL;
        if (count > 0 && atomic_compare_exchange_strong(&handed, &none, own[count - 1])) {
            given++;
            count--;
        } else if (!block) {
            sched_yield();
        }
        if (given == HANDED_IN_ALL)
            while (count > 0)
                tm_free(own[--count]);
    }
    pthread_join(thread, NULL);
    expect_process_live(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bounds");
    TCase *tcase = add_case(suite, "bounds", 60);
    tcase_add_test(tcase, a_thread_gets_to_its_limit_and_no_further);
    tcase_add_test(tcase, realloc_within_the_limit);
    tcase_add_test(tcase, a_limit_below_what_is_live);
    tcase_add_loop_test(tcase, limits_and_peaks_in_any_order, 0, 8);
    tcase_add_test(tcase, what_others_free_makes_room_at_once);
    tcase_add_test(tcase, the_limit_is_of_all_tags_together);
    tcase_add_test(tcase, a_tags_limit_holds_for_all_threads_together);
    tcase_add_test(tcase, a_tags_limit_holds_for_who_is_in_it);
    tcase_add_test(tcase, limits_from_outside);
    tcase_add_test(tcase, what_the_dead_left_counts_for_a_tags_limit);
    tcase_add_loop_test(tcase, a_limit_is_exact_while_others_free, 0, 2);
    return run_suite(suite);
}
