/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slot.h, own_slots.h: what spares a new peak the reading of lanes and of tag slots. A slot that no other thread has
 * freed a block of says so, each time anew; what is freed in tag slots is counted in the home slot, which no other
 * thread gets meanwhile; and what a signal handler, or a fork, finds half done is counted anew.
 */
#define _GNU_SOURCE
#include "state/own_slots.h"
#include "state/slots.h"
#include "support/support.h"

#include <pthread.h>
#include <semaphore.h>
#include <threadmeter/limits.h>

enum { MOST_TAGS = 1000 };

static tm_tag tags[MOST_TAGS];

static void open_tags(void)
{
    for (int i = 0; i < MOST_TAGS; i++) {
        char name[16];
        snprintf(name, sizeof name, "tag %d", i);
        tags[i] = tm_tag_open(name);
    }
    tm_free(filled(1));
}

static struct tm__slot *present(void)
{
    return tm__slot_of(tm__thread.me);
}

static bool reads_lanes(const struct tm__slot *slot)
{
    return tm__load(&slot->lanes_at_start) == TM__UNKNOWN;
}

/* The next block that the thread allocates is one byte more than it ever owned. */
static void expect_exact_peak(void)
{
    struct tm_totals mine = thread_totals();
    void *up = filled(mine.peak_bytes - tm_live_bytes(&mine)), *over = filled(1);
    ck_assert_uint_eq(thread_totals().peak_bytes, mine.peak_bytes + 1);
    tm_free(over);
    tm_free(up);
}

/* ---- slots that are used again ---- */

/* A thread's own peak, while the caller of this thread frees a block of it. */
static struct {
    pthread_t thread;
    sem_t may_go, has_gone;
    void *block;
    struct tm__slot *slot;
} owner;

static void *allocate_and_look(void *tag)
{
    tm_tag_enter((tm_tag)(uintptr_t)tag);
    owner.block = filled(100);
    owner.slot = present();
    ck_assert(!reads_lanes(owner.slot));
    sem_post(&owner.has_gone);
    sem_wait(&owner.may_go);
    ck_assert(reads_lanes(owner.slot));
    expect_exact_peak();
    return NULL;
}

/* It keeps the lane that it had in the slot, so it would free by the fast path; but that was another thread's slot. */
START_TEST(the_next_owner_is_told_again)
{
    struct tm__slot *before = NULL;
    sem_init(&owner.may_go, 0, 0);
    sem_init(&owner.has_gone, 0, 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&owner.thread, NULL, allocate_and_look, (void *)(uintptr_t)(_i ? tags[0] : 0)),
                         0);
        sem_wait(&owner.has_gone);
        ck_assert(!before || owner.slot == before);
        before = owner.slot;
        tm_free(owner.block);
        sem_post(&owner.may_go);
        ck_assert_int_eq(pthread_join(owner.thread, NULL), 0);
    }
}
END_TEST

/* The same in a slot that its thread uses for one tag after another. */
START_TEST(the_next_tag_is_told_again)
{
    struct tm__slot *before = NULL;
    for (int i = 0; i < 3; i++) {
        tm_tag tag = tm_tag_open("for a while");
        tm_tag_enter(tag);
        void *block = filled(100);
        ck_assert(!before || present() == before);
        before = present();
        ck_assert(!reads_lanes(before));
        in_thread(free_it, block);
        ck_assert(reads_lanes(before));
        expect_exact_peak();
        tm_tag_leave(0);
        tm_tag_close(tag);
    }
}
END_TEST

/* ---- tag slots ---- */

static void add_to_tag_slots(uint64_t bytes)
{
    for (uint32_t i = 1; i < MOST_TAGS; i++)
        tm__add_own(&tm__own_slot(i)->owner.allocated_bytes, bytes);
}

/* What is wrong in them does no harm. */
START_TEST(new_peaks_do_not_read_tag_slots)
{
    for (int i = 0; i < MOST_TAGS; i++) {
        tm_tag_enter(tags[i]);
        in_thread(free_it, filled(10));
        tm_free(filled(20));
    }
    expect_exact_peak();
    struct tm_totals mine = thread_totals();
    void *up = filled(mine.peak_bytes - tm_live_bytes(&mine));
    add_to_tag_slots(1000);
    void *over = filled(1);
    ck_assert_uint_eq(thread_totals().peak_bytes, mine.peak_bytes + 1);
    add_to_tag_slots((uint64_t)-1000);
    tm_free(over);
    tm_free(up);
    tm_tag_leave(0);
}
END_TEST

static void *left[2];
static struct tm__slot *left_home;

static void *leave_block_in_tag(void *unused)
{
    left_home = present();
    tm_free(filled(1));
    left_home = tm__slot_of(tm__thread.home);
    tm_tag_enter(tags[0]);
    left[0] = filled(5000);
    left[1] = filled(6000);
    sem_post(&owner.has_gone);
    sem_wait(&owner.may_go);
    return unused;
}

static void *be_exact_meanwhile(void *unused)
{
    tm_tag_enter(tags[1]);
    void *mine = filled(10000);
    ck_assert_ptr_ne(tm__thread.home, &left_home->owner);
    sem_post(&owner.has_gone);
    sem_wait(&owner.may_go);
    expect_exact_peak();
    tm_free(mine);
    return unused;
}

static void *take_home(void *slot)
{
    tm_free(filled(1));
    *(struct tm__slot **)slot = tm__slot_of(tm__thread.home);
    return NULL;
}

/*
 * This thread has a lane in the tag slot of a thread that is gone, and counts a free there and in that thread's home
 * slot. If another thread had that by now, its peak would be too low.
 */
START_TEST(a_home_slot_waits_for_its_tag_slots)
{
    sem_init(&owner.may_go, 0, 0);
    sem_init(&owner.has_gone, 0, 0);
    ck_assert_int_eq(pthread_create(&owner.thread, NULL, leave_block_in_tag, NULL), 0);
    sem_wait(&owner.has_gone);
    tm_free(left[0]);
    sem_post(&owner.may_go);
    ck_assert_int_eq(pthread_join(owner.thread, NULL), 0);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 1);

    ck_assert_int_eq(pthread_create(&owner.thread, NULL, be_exact_meanwhile, NULL), 0);
    sem_wait(&owner.has_gone);
    tm_free(left[1]);
    sem_post(&owner.may_go);
    ck_assert_int_eq(pthread_join(owner.thread, NULL), 0);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);

    /* Nothing waits any more: as many threads as slots were used find no new one. */
    uint32_t used = tm__slots_used();
    struct tm__slot *home;
    for (int i = 0; i < 10; i++)
        in_thread(take_home, &home);
    ck_assert_uint_eq(tm__slots_used(), used);
    tm_tag_enter(tags[2]); /* takes one of those */
    tm_free(filled(1));
    ck_assert_uint_eq(tm__slots_used(), used);
    tm_tag_leave(0);
}
END_TEST

/* ---- what is interrupted ---- */

/* What a handler does in the midst of a change is in the sum afterwards. */
START_TEST(a_change_that_is_interrupted_is_made_anew)
{
    void *blocks[4];
    for (int i = 0; i < 4; i++) {
        tm_tag_enter(tags[i]);
        blocks[i] = filled(1000);
    }
    expect_exact_peak();
    uint64_t before = tm__own_balance();
    ck_assert(tm__thread.bounds->known);

    struct tm__change change = tm__begin_change();
    tm_free(blocks[0]); /* of another slot */
    ck_assert_uint_eq(tm__own_balance(), before - 1000);
    tm_tag_enter(tags[1]);
    blocks[0] = filled(300);
    tm_tag_enter(tags[3]);
    tm__end_change(change, 12345);
    ck_assert_uint_eq(tm__own_balance(), before - 700);
    expect_exact_peak();

    change = tm__begin_change(); /* once more, and nobody asks in between */
    tm_free(blocks[1]);
    tm__end_change(change, 12345);
    ck_assert_uint_eq(tm__own_balance(), before - 1700);

    change = tm__begin_change();
    tm__end_change(change, tm__thread.bounds->elsewhere);
    ck_assert(tm__thread.bounds->known);
    ck_assert_uint_eq(tm__own_balance(), before - 1700);
    tm_free(blocks[0]);
    tm_free(blocks[2]);
    tm_free(blocks[3]);
    tm_tag_enter(0);
}
END_TEST

/* A handler that comes when the thread is in another slot already, and what is elsewhere is not yet right. */
START_TEST(a_turn_that_is_interrupted_is_not_trusted)
{
    void *blocks[2];
    for (int i = 0; i < 2; i++) {
        tm_tag_enter(tags[i]);
        blocks[i] = filled(1000 << i);
    }
    expect_exact_peak();
    struct tm__bounds *bounds = tm__thread.bounds;
    struct tm__owner *left = tm__thread.me, *entered = &tm__own_slot(1)->owner;
    uint64_t before = tm__own_balance(), elsewhere = bounds->elsewhere;
    unsigned changes = bounds->changes;
    ck_assert(bounds->known);
    tm__thread.me = entered;
    ck_assert_uint_eq(tm__own_balance(), before);
    ck_assert_uint_ne(bounds->changes, changes); /* so the turn finds out */
    tm__thread.me = left;
    bounds->elsewhere = elsewhere;
    ck_assert_uint_eq(tm__own_balance(), before);
    tm__thread.me = entered;
    tm_tag previous = tm_tag_enter(tags[2]); /* the handler itself turns */
    ck_assert_uint_eq(tm__own_balance(), before);
    tm_tag_leave(previous);
    ck_assert_ptr_eq(tm__thread.me, left);
    ck_assert_uint_eq(tm__own_balance(), before);
    expect_exact_peak();
    tm_free(blocks[0]);
    tm_free(blocks[1]);
    tm_tag_enter(0);
}
END_TEST

/*
 * A slot that the thread left keeps the watermark that it had. If the bounds' one is lower when the thread is there once
 * more, that holds; if it is higher, no peak is missed either.
 */
START_TEST(each_slot_has_a_watermark_that_is_low_enough)
{
    for (int i = 0; i < 3; i++) {
        tm_tag_enter(tags[i]);
        tm_free(filled(1000));
    }
    void *far = filled(5000);
    tm_free(far); /* the thread may grow by 5,000 in any slot */
    tm_tag_enter(tags[0]);
    void *near = filled(800);
    tm_tag_enter(tags[1]);
    void *most = filled(4100); /* room for 100 */
    tm_tag_enter(tags[0]);
    ck_assert_uint_eq(thread_totals().peak_bytes, 5000);
    void *over = filled(101);
    ck_assert_uint_eq(thread_totals().peak_bytes, 5001);
    tm_free(most); /* of another slot: room for 4,100 again */
    expect_exact_peak();
    tm_tag_enter(tags[2]);
    expect_exact_peak();
    tm_free(near);
    tm_free(over);
    tm_tag_enter(tags[1]);
    expect_exact_peak();
    tm_tag_enter(0);
}
END_TEST

static void grow_in_child(void)
{
    struct tm_totals mine = thread_totals();
    ck_assert_uint_eq(tm_live_bytes(&mine), 900);
    expect_exact_peak();
    tm_tag_enter(tags[0]);
    expect_exact_peak();
}

/* A thread of the parent has added the bytes to its lane and to nothing else, and its announcement was not copied. */
START_TEST(a_fork_in_the_midst_of_a_remote_free)
{
    void *blocks[2];
    tm_tag_enter(tags[0]);
    blocks[0] = filled(100);
    struct tm__slot *slot = present();
    tm_tag_enter(tags[1]);
    blocks[1] = filled(900);
    expect_exact_peak();
    tm_tag_enter(_i == 0 ? tags[0] : _i == 1 ? tags[1] : 0);
    ck_assert(!reads_lanes(slot));
    tm__add_own(&slot->lanes[2].freed_bytes, 100);
    in_child(grow_in_child);
    tm__add_own(&slot->lanes[2].freed_bytes, (uint64_t)-100);
    tm_free(blocks[0]);
    tm_free(blocks[1]);
    tm_tag_enter(0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("own_sums");
    TCase *tcase = add_case(suite, "own_sums", 60);
    tcase_add_checked_fixture(tcase, open_tags, NULL);
    tcase_add_loop_test(tcase, the_next_owner_is_told_again, 0, 2);
    tcase_add_test(tcase, the_next_tag_is_told_again);
    tcase_add_test(tcase, new_peaks_do_not_read_tag_slots);
    tcase_add_test(tcase, a_home_slot_waits_for_its_tag_slots);
    tcase_add_test(tcase, a_change_that_is_interrupted_is_made_anew);
    tcase_add_test(tcase, a_turn_that_is_interrupted_is_not_trusted);
    tcase_add_test(tcase, each_slot_has_a_watermark_that_is_low_enough);
    tcase_add_loop_test(tcase, a_fork_in_the_midst_of_a_remote_free, 0, 3);
    return run_suite(suite);
}
