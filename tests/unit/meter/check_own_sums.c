/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slot.h: what spares a new peak the reading of lanes. A slot that no other thread has freed a block of says so, each
 * time anew; and what a fork finds half done is counted anew.
 */
#define _GNU_SOURCE
#include "state/own_slots.h"
#include "state/slots.h"
#include "support/support.h"

#include <pthread.h>
#include <semaphore.h>

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
    tcase_add_loop_test(tcase, a_fork_in_the_midst_of_a_remote_free, 0, 3);
    return run_suite(suite);
}
