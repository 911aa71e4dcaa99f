/* SPDX-License-Identifier: BSD-3-Clause */
/* bounds.c: limits and sections. */
#define _GNU_SOURCE
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <threadmeter/limits.h>

static bool same(const struct tm_totals *a, const struct tm_totals *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* Every way to allocate is refused, and changes nothing. */
static void expect_refused(char *block, size_t size)
{
    struct tm_totals before = thread_totals(), process = process_totals();
    void *(*const ways[])(size_t, size_t) = {tm_calloc, tm_memalign, tm_aligned_alloc};
    errno = 0;
    ck_assert_ptr_null(tm_malloc(size));
    ck_assert_int_eq(errno, ENOMEM);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        errno = 0;
        ck_assert_ptr_null(i == 0 ? ways[i](1, size) : ways[i](64, size));
        ck_assert_int_eq(errno, ENOMEM);
    }
    size_t old = tm_malloc_usable_size(block), intact = 0;
    errno = 0;
    ck_assert_ptr_null(tm_realloc(block, old + size));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_uint_eq(tm_malloc_usable_size(block), old);
    while (intact < old && block[intact] == 'x')
        intact++;
    ck_assert_uint_eq(intact, old);
    struct tm_totals after = thread_totals(), process_after = process_totals();
    ck_assert(same(&before, &after));
    ck_assert(same(&process, &process_after));
}

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

/* Each answer, and the peak after it, against a reckoning of its own, whatever came before. */
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
    held; /* counted behind each allocation and before each free: never more than is live */

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

/* What the callback of one allocates may pass another's, and of the two that were passed both are told. */
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

/* Frees by others bring it well below, and the next crossing is told again. */
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

static void *leave_600_in_it(void *arg)
{
    tm_tag_enter(limited);
    *(void **)arg = filled(600);
    return NULL;
}

/* What threads that are gone left in a tag counts, until it is freed. */
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

/* Another frees what this one allocates: never a byte too much, and nothing is refused that fits by what is done. */
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

static struct tm_section across;
static char *before_fork;

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
    leave_600_in_it(arg);
    pthread_barrier_wait(&inside);
    pthread_barrier_wait(&set);
    return NULL;
}

/* Limits and sections are the child's as they were the parent's. */
START_TEST(a_forks_child_is_in_the_same_bounds)
{
    void *left;
    pthread_t thread;
    limited = tm_tag_open("limited");
    pthread_barrier_init(&inside, NULL, 2);
    pthread_barrier_init(&set, NULL, 2);
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
    pthread_barrier_wait(&set);
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
    tcase_add_test(tcase, a_soft_limit_calls_once_a_crossing);
    tcase_add_test(tcase, a_tags_soft_limit_calls_once_a_crossing);
    tcase_add_loop_test(tcase, what_is_resized_above_a_soft_limit_crosses_nothing, 0, 2);
    tcase_add_test(tcase, two_soft_limits_are_passed_at_once);
    tcase_add_test(tcase, a_callback_that_exceeds_a_hard_limit);
    tcase_add_loop_test(tcase, others_make_room_below_a_soft_limit, 0, 2);
    tcase_add_test(tcase, what_the_dead_left_counts_for_a_tags_limit);
    tcase_add_loop_test(tcase, a_limit_is_exact_while_others_free, 0, 2);
    tcase_add_test(tcase, a_forks_child_is_in_the_same_bounds);
    tcase_add_test(tcase, sections_nest);
    tcase_add_loop_test(tcase, a_sections_peak_is_exact, 0, 5);
    return run_suite(suite);
}
