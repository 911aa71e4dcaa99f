/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bounds.c: when its last limit, section and tag are gone, a thread is held against its slot's peak alone again; and its
 * peak is exact through all of that.
 */
#define _GNU_SOURCE
#include "state/slot.h"
#include "support/support.h"

#include <threadmeter/limits.h>
#include <unistd.h>

static tm_tag tags[3];

/* The next new peak looks at all bounds, and so finds that there are none. */
static void expect_bounded(bool bounded)
{
    struct tm_totals mine = thread_totals();
    tm_free(tm_malloc(mine.peak_bytes - tm_live_bytes(&mine) + 1));
    ck_assert_int_eq(tm__thread.bounded, bounded);
}

static void never_called(uint64_t live, void *unused)
{
    ck_abort_msg("%lu live", (unsigned long)live);
    (void)unused;
}

START_TEST(the_last_bound_that_goes_was_all)
{
    struct tm_section outer, inner;
    char *block = filled(1000);
    for (int i = 0; i < 3; i++) {
        expect_bounded(false);
        ck_assert_int_eq(tm_thread_limit(1 << 20), 0);
        expect_bounded(true);
        ck_assert_int_eq(tm_thread_soft_limit(1 << 20, never_called, NULL), 0);
        ck_assert_int_eq(tm_thread_limit(0), 0);
        expect_bounded(true);
        ck_assert_int_eq(tm_section_begin(&outer), 0);
        ck_assert_int_eq(tm_thread_soft_limit(0, NULL, NULL), 0);
        ck_assert_int_eq(tm_section_begin(&inner), 0);
        ck_assert_int_eq(tm_section_end(&inner, NULL), 0);
        expect_bounded(true);
        tm_tag_enter(tags[0]);
        ck_assert_int_eq(tm_section_end(&outer, NULL), 0);
        expect_bounded(true);
        tm_tag_leave(0);
    }
    expect_bounded(false);
    tm_free(block);
}
END_TEST

START_TEST(what_is_left_in_a_tag_is_a_bound)
{
    tm_tag_enter(tags[0]);
    char *first = filled(100);
    tm_tag_enter(tags[1]);
    char *second = filled(200), *third = filled(300);
    tm_tag_enter(0);
    expect_bounded(true);
    tm_free(first);
    expect_bounded(true);
    in_thread(free_it, second); /* of which the thread is not told */
    expect_bounded(true);
    ck_assert_int_eq(tm_claim(third), 0);
    expect_bounded(false);
    tm_free(third);
}
END_TEST

/* As tm_realloc(), whose fast path is open then, finds out, too: with the first, and without any new peak. */
START_TEST(realloc_finds_out)
{
    char *block = filled(1000);
    tm_tag_enter(tags[0]);
    tm_free(filled(5000));
    tm_tag_leave(0);
    ck_assert(tm__thread.bounded);
    block = tm_realloc(block, 900);
    ck_assert(!tm__thread.bounded);
    tm_free(block);
}
END_TEST

static int has_peak(const struct tm_slot *slot, void *peak)
{
    if (slot->thread == this_thread())
        ck_assert_uint_eq(slot->thread_peak_bytes, *(uint64_t *)peak);
    return 0;
}

/* By each way to ask, or by the one that asks no kernel. */
static void expect_peak(uint64_t live, uint64_t peak, bool all_ways)
{
    struct tm_totals mine = thread_totals(), by_tid;
    ck_assert_uint_eq(tm_live_bytes(&mine), live);
    ck_assert_uint_eq(mine.peak_bytes, peak);
    if (!all_ways)
        return;
    ck_assert_int_eq(tm_thread_totals_of(gettid(), &by_tid), 0);
    ck_assert_uint_eq(by_tid.peak_bytes, peak);
    tm_each_slot(has_peak, &peak);
}

struct ledger {
    struct {
        void *at;
        size_t size;
    } blocks[12];
    uint64_t live, peak, section_high, changes;
    struct tm_section section;
    bool in_section;
};

static void resize(struct ledger *ledger, size_t which, size_t size)
{
    void *at = size == 0 ? (tm_free(ledger->blocks[which].at), NULL) : tm_realloc(ledger->blocks[which].at, size);
    ck_assert(size == 0 || at);
    ledger->live += size - ledger->blocks[which].size;
    ledger->blocks[which].at = at;
    ledger->blocks[which].size = size;
    ledger->peak = ledger->live > ledger->peak ? ledger->live : ledger->peak;
    ledger->section_high = ledger->live > ledger->section_high ? ledger->live : ledger->section_high;
}

static void turn_section(struct ledger *ledger)
{
    struct tm_totals totals;
    if (!ledger->in_section) {
        ck_assert_int_eq(tm_section_begin(&ledger->section), 0);
        ledger->section_high = ledger->live;
    } else {
        uint64_t before = tm_live_bytes(&ledger->section.before);
        ck_assert_int_eq(tm_section_end(&ledger->section, &totals), 0);
        ck_assert_uint_eq(totals.peak_bytes, ledger->section_high - before);
    }
    ledger->in_section = !ledger->in_section;
}

/* Mostly free, and few blocks, so that tags are empty at times. */
START_TEST(peaks_while_bounds_come_and_go)
{
    struct ledger ledger = {.peak = 1};
    tm_free(filled(1)); /* so the thread is on record */
    uint64_t random = (uint64_t)_i + 1;
    for (int step = 0; step < 4000; step++) {
        size_t which = random_next(&random) % 12, size = 1 + random_next(&random) % (step % 50 == 0 ? 600000 : 3000);
        bool was_bounded = tm__thread.bounded;
        switch (random_next(&random) % 16) {
        case 0:
            tm_tag_enter(tags[random_next(&random) % 3]);
            break;
        case 1:
            tm_tag_enter(0);
            break;
        case 2:
            if (random_next(&random) % 4 == 0)
                turn_section(&ledger);
            break;
        case 3:
            ck_assert_int_eq(tm_thread_limit(random_next(&random) % 4 == 0 ? 1 << 30 : 0), 0);
            break;
        case 4:
        case 5:
        case 6:
            resize(&ledger, which, size);
            break;
        case 7:
            if (random_next(&random) % 16 != 0)
                break;
            in_thread(free_it, ledger.blocks[which].at);
            ledger.blocks[which].at = NULL;
            ledger.live -= ledger.blocks[which].size;
            ledger.blocks[which].size = 0;
            break;
        default:
            resize(&ledger, which, 0);
        }
        ledger.changes += was_bounded != tm__thread.bounded;
        expect_peak(ledger.live, ledger.peak, step % 16 == 0);
    }
    ck_assert_uint_gt(ledger.changes, 10);
    for (size_t i = 0; i < 12; i++)
        resize(&ledger, i, 0);
    if (ledger.in_section)
        turn_section(&ledger);
    ck_assert_int_eq(tm_thread_limit(0), 0);
}
END_TEST

static void *left[2];

/* A peak in tags, then a higher one of its first slot alone, or a lower one. */
static void *peak_and_leave(void *last)
{
    tm_tag_enter(tags[0]);
    char *first = filled(1000);
    tm_tag_enter(tags[1]);
    tm_free(filled(2000));
    tm_free(first);
    tm_tag_enter(0);
    expect_bounded(false); /* with 3001 bytes */
    tm_free(filled((uintptr_t)last));
    left[0] = filled(10);
    tm_tag_enter(tags[0]);
    left[1] = filled(20);
    return NULL;
}

static int expect_its_peak(const struct tm_slot *slot, void *peak)
{
    if (slot->state == TM_ORPHAN)
        ck_assert_uint_eq(slot->thread_peak_bytes, *(uint64_t *)peak);
    return 0;
}

START_TEST(the_peak_of_a_thread_that_is_gone)
{
    uint64_t last = _i < 2 ? 500 : 7000, peak = _i < 2 ? 3001 : 7000;
    tm_free(filled(1)); /* or the thread would be the first */
    in_thread(peak_and_leave, (void *)(uintptr_t)last);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 2);
    tm_each_slot(expect_its_peak, &peak);
    tm_free(left[_i % 2]);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 1);
    tm_each_slot(expect_its_peak, &peak);
    tm_free(left[1 - _i % 2]);
}
END_TEST

static void open_tags(void)
{
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++)
        tags[i] = tm_tag_open(names[i]);
}

int main(void)
{
    Suite *suite = suite_create("unbounded");
    TCase *tcase = add_case(suite, "unbounded", 120);
    tcase_add_checked_fixture(tcase, open_tags, NULL);
    tcase_add_test(tcase, the_last_bound_that_goes_was_all);
    tcase_add_test(tcase, what_is_left_in_a_tag_is_a_bound);
    tcase_add_test(tcase, realloc_finds_out);
    tcase_add_loop_test(tcase, peaks_while_bounds_come_and_go, 0, 8);
    tcase_add_loop_test(tcase, the_peak_of_a_thread_that_is_gone, 0, 4);
    return run_suite(suite);
}
