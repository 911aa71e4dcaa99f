/* SPDX-License-Identifier: BSD-3-Clause */
/* What a forked child finds: its own slot, those of threads and tags as they were, and no lock that stays locked. */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <semaphore.h>
#include <threadmeter/tags.h>
#include <unistd.h>

static sem_t ready, finish;
static void *others_block;

static void *hold_block(void *arg)
{
    (void)arg;
    pthread_setname_np(pthread_self(), "holder");
    others_block = tm_malloc(300);
    sem_post(&ready);
    sem_wait(&finish);
    return NULL;
}

static void *my_block;

static void *allocate_in_child(void *arg)
{
    (void)arg;
    tm_free(tm_malloc(50));
    return NULL;
}

static void look_in_child(void)
{
    struct tm_slot mine, orphan;
    expect_invariant();
    ck_assert(find_slot_in(TM_LIVE, &mine));
    ck_assert_int_eq(mine.tid, gettid());
    expect_live(&mine.totals, 70, 1);
    ck_assert(find_slot_in(TM_ORPHAN, &orphan));
    ck_assert_str_eq(orphan.name, "holder"); /* it got this name after its first allocation, perhaps */
    expect_live(&orphan.totals, 300, 1);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 1);

    tm_free(others_block);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    tm_free(my_block);
    if (!SANITIZED) /* a thread sanitizer would not have it */
        in_thread(allocate_in_child, NULL);
    expect_invariant();
    expect_process_live(0, 0);
}

START_TEST(in_a_forks_child_the_other_threads_are_orphans)
{
    pthread_t thread;
    sem_init(&ready, 0, 0);
    sem_init(&finish, 0, 0);
    my_block = tm_malloc(70);
    pthread_create(&thread, NULL, hold_block, NULL);
    sem_wait(&ready);
    in_child(look_in_child);
    /* The parent saw nothing of it. */
    struct tm_slot holder;
    ck_assert(find_slot_in(TM_LIVE, &holder));
    expect_process_live(370, 2);
    sem_post(&finish);
    pthread_join(thread, NULL);
    tm_free(others_block);
    tm_free(my_block);
}
END_TEST

static void free_orphans_last(void)
{
    struct tm_slot orphan;
    ck_assert(find_slot_in(TM_ORPHAN, &orphan));
    expect_live(&orphan.totals, 300, 1);
    tm_free(others_block);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    expect_process_live(0, 0);
}

/* Its slot is a copy: a block that the child frees is free there, and still live in the parent. */
START_TEST(in_a_forks_child_orphans_of_the_parents_are_still_orphans)
{
    sem_init(&ready, 0, 0);
    sem_init(&finish, 0, 1);
    in_thread(hold_block, NULL);
    in_child(free_orphans_last);
    expect_process_live(300, 1);
    tm_free(others_block);
    expect_process_live(0, 0);
}
END_TEST

static _Atomic bool stop;

static void *storm(void *arg)
{
    uint64_t random = (uintptr_t)arg;
    void *blocks[32] = {0};
    while (!stop) {
        unsigned at = random_next(&random) % 32;
        tm_free(blocks[at]);
        blocks[at] = tm_malloc(random_next(&random) % 2000);
        if (at == 0)
            in_thread(allocate_in_child, NULL);
    }
    for (int i = 0; i < 32; i++)
        tm_free(blocks[i]);
    return NULL;
}

static void allocate_after_storm(void)
{
    /* The fork found the parent's threads anywhere; the totals add up all the same, also with what the child does. */
    struct tm_totals before = thread_totals();
    void *blocks[100];
    for (int i = 0; i < 100; i++)
        blocks[i] = tm_malloc((size_t)i * 10);
    in_thread(allocate_in_child, NULL);
    for (int i = 0; i < 100; i++)
        tm_free(blocks[i]);
    struct tm_totals after = thread_totals();
    ck_assert_uint_eq(after.allocated_blocks - before.allocated_blocks, 100);
    ck_assert_uint_eq(tm_live_bytes(&after), tm_live_bytes(&before));
}

START_TEST(fork_in_mid_storm)
{
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, storm, (void *)(i + 1));
    for (int i = 0; i < 100; i++)
        in_child(allocate_after_storm);
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    expect_process_live(0, 0);
}
END_TEST

static void *fork_here(void *arg)
{
    (void)arg;
    void *block = tm_malloc(5);
    in_child(allocate_after_storm);
    tm_free(block);
    return NULL;
}

START_TEST(fork_from_another_thread_than_the_first)
{
    void *block = tm_malloc(7);
    in_thread(fork_here, NULL);
    tm_free(block);
}
END_TEST

static void child_goes_on(void)
{
    tm_tag tag = tm_tag_open("forked");
    ck_assert_int_eq(tm_tag_current(), tag);
    void *block = tm_malloc(50);
    expect_tag(tag, 150, 2);
    tm_tag_enter(tm_tag_open("after the fork"));
    tm_free(block);
    expect_tag(tag, 100, 1);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 100, 1);
    expect_invariant();
}

START_TEST(a_forked_child_is_where_its_parent_was)
{
    tm_tag_enter(tm_tag_open("forked"));
    void *block = tm_malloc(100);
    in_child(child_goes_on);
    expect_tag(tm_tag_current(), 100, 1);
    tm_free(block);
}
END_TEST

static void *switch_tags(void *arg)
{
    uint64_t random = (uintptr_t)arg;
    while (!stop) {
        tm_tag tag = tm_tag_open(random_next(&random) % 2 ? "even" : "odd");
        tm_tag_enter(tag);
        void *block = tm_malloc(random_next(&random) % 100);
        tm_tag_leave(0);
        tm_tag_close(tag);
        tm_free(block);
    }
    return NULL;
}

static void child_opens_tags(void)
{
    for (int i = 0; i < 10; i++) {
        tm_tag tag = tm_tag_open("child's");
        tm_tag_enter(tag);
        tm_free(tm_malloc(10));
        expect_tag(tag, 0, 0);
        tm_tag_leave(0);
        ck_assert_int_eq(tm_tag_close(tag), 0);
    }
    expect_invariant();
}

START_TEST(forks_while_tags_come_and_go)
{
    pthread_t threads[3];
    stop = false;
    for (uintptr_t i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, switch_tags, (void *)(i + 1));
    for (int i = 0; i < 100; i++)
        in_child(child_opens_tags);
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    expect_process_live(0, 0);
}
END_TEST

static void *open_tags(void *unused)
{
    while (!stop)
        tm_tag_close(tm_tag_open("another's"));
    return unused;
}

static void child_opens_a_tag(void)
{
    ck_assert_int_eq(tm_tag_close(tm_tag_open("child's")), 0);
}

/* No thread has attached, so there are no fork handlers yet. A long table keeps the lock taken for long. */
START_TEST(forks_before_the_first_block)
{
    char name[16];
    for (int i = 0; i < 1000; i++)
        tm_tag_open((snprintf(name, sizeof name, "tag %d", i), name));
    pthread_t thread;
    stop = false;
    pthread_create(&thread, NULL, open_tags, NULL);
    for (int i = 0; i < (SANITIZED ? 5 : 30); i++)
        in_child(child_opens_a_tag);
    stop = true;
    pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forked");
    TCase *tcase = add_case(suite, "forked", 120);
    tcase_add_test(tcase, in_a_forks_child_the_other_threads_are_orphans);
    tcase_add_test(tcase, in_a_forks_child_orphans_of_the_parents_are_still_orphans);
    if (!SANITIZED) { /* address sanitizer's malloc may be locked in the child, and thread sanitizer's */
        add_unless_emulated(tcase, fork_in_mid_storm, NO_FORK_IN_MID_STORM);
        add_unless_emulated(tcase, forks_while_tags_come_and_go, NO_FORK_IN_MID_STORM);
    }
    tcase_add_test(tcase, fork_from_another_thread_than_the_first);
    tcase_add_test(tcase, a_forked_child_is_where_its_parent_was);
    tcase_add_test(tcase, forks_before_the_first_block);
    return run_suite(suite);
}
