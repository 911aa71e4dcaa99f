/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * peak.h, bounds.c: the peak of a thread, to the byte, by a ledger of what it owned: with one tag, or with many, while
 * other threads free its blocks and claim them, and give it theirs.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <threadmeter/limits.h>

enum { MOST_TAGS = 1000, HELD = 300 };

static tm_tag tags[MOST_TAGS + 1];

static void open_tags(int count)
{
    for (int i = 1; i <= count; i++) {
        char name[16];
        snprintf(name, sizeof name, "tag %d", i);
        ck_assert_int_gt(tags[i] = tm_tag_open(name), 0);
    }
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- one step after another ---- */

struct ledger {
    struct {
        void *at;
        size_t size;
        int tag;
    } blocks[HELD];
    uint64_t live, peak, in_tag[MOST_TAGS + 1], peak_in[MOST_TAGS + 1];
};

static void own(struct ledger *ledger, size_t which, size_t size, int tag)
{
    ledger->blocks[which].size = size;
    ledger->blocks[which].tag = tag;
    ledger->live += size;
    ledger->peak = larger(ledger->peak, ledger->live);
    ledger->in_tag[tag] += size;
    ledger->peak_in[tag] = larger(ledger->peak_in[tag], ledger->in_tag[tag]);
}

static void *disown(struct ledger *ledger, size_t which)
{
    void *at = ledger->blocks[which].at;
    ledger->live -= ledger->blocks[which].size;
    ledger->in_tag[ledger->blocks[which].tag] -= ledger->blocks[which].size;
    ledger->blocks[which].at = NULL;
    ledger->blocks[which].size = 0;
    return at;
}

static void *claim_and_free(void *block)
{
    ck_assert_int_eq(tm_claim(block), 0);
    tm_free(block);
    return NULL;
}

static void *make(void *block)
{
    *(void **)block = filled(700);
    return NULL;
}

static void step(struct ledger *ledger, uint64_t *random, int now)
{
    size_t which = random_next(random) % HELD, size = 1 + random_next(random) % 2000;
    void *at = ledger->blocks[which].at;
    switch (random_next(random) % 32) {
    case 0:
        if (at)
            in_thread(random_next(random) % 2 ? free_it : claim_and_free, disown(ledger, which));
        break;
    case 1:
        if (at)
            break;
        in_thread(make, &at);
        ck_assert_int_eq(tm_claim(at), 0);
        ledger->blocks[which].at = at;
        own(ledger, which, 700, now);
        break;
    case 2:
    case 3:
    case 4: {
        size_t old = ledger->blocks[which].size;
        if (!at || ledger->blocks[which].tag == now)
            break;
        disown(ledger, which);
        ck_assert_int_eq(tm_claim(at), 0);
        ledger->blocks[which].at = at;
        own(ledger, which, old, now);
        break;
    }
    case 5:
    case 6:
    case 7:
    case 8:
        if (!at)
            break;
        disown(ledger, which);
        ck_assert_ptr_nonnull(ledger->blocks[which].at = tm_realloc(at, size));
        own(ledger, which, size, now);
        break;
    default:
        if (at)
            tm_free(disown(ledger, which));
        else {
            ledger->blocks[which].at = filled(size);
            own(ledger, which, size, now);
        }
    }
}

static const int numbers[] = {1, 10, MOST_TAGS};

START_TEST(equal_to_a_ledger)
{
    static struct ledger ledger;
    int count = numbers[_i], now = 0;
    uint64_t random = (uint64_t)_i + 1;
    open_tags(count);
    tm_free(filled(1)); /* so the thread is on record */
    ledger.peak = ledger.peak_in[0] = 1;
    for (int i = 0; i < 12000; i++) {
        if (random_next(&random) % 4 == 0)
            tm_tag_enter(tags[now = (int)(random_next(&random) % (uint64_t)(count + 1))]);
        step(&ledger, &random, now);
        if (i % 16 != 0)
            continue;
        struct tm_totals mine = thread_totals();
        ck_assert_uint_eq(tm_live_bytes(&mine), ledger.live);
        ck_assert_uint_eq(mine.peak_bytes, ledger.peak);
    }
    for (int i = 1; i <= count; i++) {
        ck_assert_uint_eq(tag_totals(tags[i]).peak_bytes, ledger.peak_in[i]);
        expect_tag(tags[i], ledger.in_tag[i], tag_totals(tags[i]).allocated_blocks - tag_totals(tags[i]).freed_blocks);
    }
    for (size_t i = 0; i < HELD; i++)
        tm_free(ledger.blocks[i].at);
    tm_tag_enter(0);
}
END_TEST

/* ---- in a race ---- */

enum { CONSUMERS = 6 /* more than lanes */, BOXES = 64, STEPS = 20000 };

static void *_Atomic boxes[BOXES];
/* Bytes of blocks that a consumer has begun, and that it has finished, to free. */
static _Atomic uint64_t begun, finished;
static _Atomic bool done;

static void *consume(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    tm_free(tm_malloc(1));
    for (bool last = false; !last;) {
        last = done;
        for (int i = 0; i < BOXES; i++) {
            size_t *block = atomic_exchange(&boxes[random_next(&random) % BOXES], NULL);
            if (!block)
                continue;
            size_t size = *block;
            begun += size;
            tm_free(block);
            finished += size;
        }
    }
    return NULL;
}

/*
 * What the thread owns after an allocation is at most what it allocated, less what was freed when the allocation began;
 * and at least that less what others had begun to free when it was done. The highest of each is a bound of the peak.
 */
START_TEST(between_the_bounds_while_others_free)
{
    int count = numbers[_i], now = 0;
    pthread_t threads[CONSUMERS];
    uint64_t random = (uint64_t)_i + 1, own = 0, least = 0, most = 0;
    open_tags(count);
    for (uintptr_t i = 0; i < CONSUMERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, consume, (void *)(i + 1)), 0);
    for (int i = 0; i < STEPS; i++) {
        if (random_next(&random) % 4 == 0)
            tm_tag_enter(tags[now = (int)(random_next(&random) % (uint64_t)(count + 1))]);
        size_t size = sizeof(size_t) + random_next(&random) % 2000;
        uint64_t before = finished;
        size_t *block = tm_malloc(size);
        own += size;
        least = larger(least, own - begun);
        most = larger(most, own - before);
        *block = size;
        size_t *old = atomic_exchange(&boxes[random_next(&random) % BOXES], block);
        if (!old)
            continue;
        own -= *old;
        tm_free(old);
    }
    done = true;
    for (int i = 0; i < CONSUMERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    struct tm_totals mine = thread_totals();
    ck_assert_uint_ge(mine.peak_bytes, least);
    ck_assert_uint_le(mine.peak_bytes, most);
    ck_assert_uint_eq(tm_live_bytes(&mine), own - finished);
    ck_assert_uint_eq(mine.remote_frees_received_bytes, finished);
    for (int i = 0; i < BOXES; i++)
        tm_free(boxes[i]);
    /* Nothing races now: the next peak is exact. */
    mine = thread_totals();
    void *up = filled(mine.peak_bytes + 1000 - tm_live_bytes(&mine));
    ck_assert_uint_eq(thread_totals().peak_bytes, mine.peak_bytes + 1000);
    tm_free(up);
    tm_tag_enter(0);
}
END_TEST

/* ---- limits ---- */

/* The limit of a thread is held against what it owns in all its tags. */
START_TEST(limits_are_of_all_tags)
{
    static void *blocks[MOST_TAGS + 1];
    int count = numbers[_i];
    open_tags(count);
    for (int i = 0; i <= count; i++) {
        tm_tag_enter(tags[i]);
        blocks[i] = filled(100);
    }
    uint64_t live = (uint64_t)(count + 1) * 100;
    ck_assert_int_eq(tm_thread_limit(live + 50), 0);
    ck_assert_ptr_null(tm_malloc(51));
    void *last = filled(50);
    in_thread(free_it, blocks[1]);
    tm_free(blocks[0]);
    ck_assert_ptr_null(tm_malloc(201));
    blocks[0] = filled(200);
    blocks[1] = NULL;
    ck_assert_int_eq(tm_thread_limit(0), 0);
    for (int i = 0; i <= count; i++)
        tm_free(blocks[i]);
    tm_free(last);
    tm_tag_enter(0);
}
END_TEST

/* ---- forks ---- */

static void *kept[MOST_TAGS + 1];
static int kept_tags;

static void grow_in_child(void)
{
    struct tm_totals mine = thread_totals();
    ck_assert_uint_eq(tm_live_bytes(&mine), (uint64_t)(kept_tags + 1) * 100);
    in_thread(free_it, kept[1]);
    void *up = filled(mine.peak_bytes - tm_live_bytes(&mine) + 100);
    ck_assert_uint_eq(thread_totals().peak_bytes, mine.peak_bytes);
    void *over = filled(1);
    ck_assert_uint_eq(thread_totals().peak_bytes, mine.peak_bytes + 1);
    tm_free(over);
    tm_free(up);
}

START_TEST(exact_in_a_fork)
{
    kept_tags = numbers[_i];
    open_tags(kept_tags);
    for (int i = 0; i <= kept_tags; i++) {
        tm_tag_enter(tags[i]);
        kept[i] = filled(100);
        if (i % 50 < 3)
            in_thread(free_it, filled(30));
        else
            tm_free(filled(30));
    }
    in_child(grow_in_child);
    for (int i = 0; i <= kept_tags; i++)
        tm_free(kept[i]);
    tm_tag_enter(0);
}
END_TEST

int main(void)
{
    enum { NUMBERS = sizeof numbers / sizeof numbers[0] };
    Suite *suite = suite_create("peaks");
    TCase *tcase = add_case(suite, "peaks", 120);
    tcase_add_loop_test(tcase, equal_to_a_ledger, 0, NUMBERS);
    tcase_add_loop_test(tcase, between_the_bounds_while_others_free, 0, NUMBERS);
    tcase_add_loop_test(tcase, limits_are_of_all_tags, 0, NUMBERS);
    tcase_add_loop_test(tcase, exact_in_a_fork, 0, NUMBERS);
    return run_suite(suite);
}
