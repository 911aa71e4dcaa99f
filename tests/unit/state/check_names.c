/* SPDX-License-Identifier: BSD-3-Clause */
/* names.c: what an identity has of its thread's name, and since when. */
#define _GNU_SOURCE
#include "state/names.h"
#include "support/support.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void expect_name(const struct tm__identity *record, const char *expected)
{
    char name[TM__NAME];
    memset(name, '#', sizeof name);
    tm__copy_name(record, name);
    ck_assert_str_eq(name, expected);
}

/* The kernel keeps 15 bytes. */
static const char *const names[][2] = {
    {"x", "x"},
    {"", "(unnamed)"},
    {"eight ch", "eight ch"},
    {"fifteen chars..", "fifteen chars.."},
    {"sixteen chars...", "sixteen chars.."},
    {"much longer than any", "much longer tha"},
    {"(odd) \xc3\xa4 %s", "(odd) \xc3\xa4 %s"},
};
enum { NAMES = sizeof names / sizeof names[0] };

START_TEST(a_thread_learns_its_own_name)
{
    struct tm__identity record = {0};
    expect_name(&record, "(unknown)");
    prctl(PR_SET_NAME, names[_i][0]);
    tm__learn_own_name(&record);
    expect_name(&record, names[_i][1]);
    prctl(PR_SET_NAME, "another");
    expect_name(&record, names[_i][1]);
}
END_TEST

START_TEST(refreshing_reads_what_learning_does)
{
    struct tm__identity record = {.generation_state = TM__OWNED, .tid = gettid()};
    prctl(PR_SET_NAME, names[_i][0]);
    tm__refresh_name(&record);
    expect_name(&record, names[_i][1]);
}
END_TEST

static pthread_barrier_t barrier;

/* Lives from the first wait at the barrier to the second. */
static void *stay(void *arg)
{
    *(pid_t *)arg = gettid();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

static pthread_t start_thread(pid_t *tid)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, stay, tid), 0);
    pthread_barrier_wait(&barrier);
    return thread;
}

static void end_thread(pthread_t thread)
{
    pthread_barrier_wait(&barrier);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

START_TEST(a_renamed_thread_is_seen_while_it_lives_and_kept_after)
{
    pid_t tid;
    pthread_t thread = start_thread(&tid);
    struct tm__identity record = {.generation_state = 7 << 8 | TM__OWNED, .tid = tid};
    pthread_setname_np(thread, "first");
    tm__refresh_name(&record);
    expect_name(&record, "first");
    pthread_setname_np(thread, "second");
    expect_name(&record, "first");
    tm__refresh_name(&record);
    expect_name(&record, "second");

    end_thread(thread);
    errno = 4321;
    tm__refresh_name(&record);
    ck_assert_int_eq(errno, 4321);
    expect_name(&record, "second");
}
END_TEST

START_TEST(the_name_of_no_living_thread_is_left_alone)
{
    pid_t own = gettid();
    struct tm__identity records[] = {
        {.generation_state = TM__FREE, .tid = own},
        {.generation_state = TM__ORPHAN, .tid = own},
        {.generation_state = TM__ORPHAN,
         .tid = own,
         .forked_from = getpid()}, /* only a child's orphans live elsewhere */
        {.generation_state = TM__OWNED, .tid = 0},
        {.generation_state = TM__OWNED, .tid = INT32_MAX},
        {.generation_state = TM__OWNED, .tid = getppid()}, /* another process's */
    };
    struct tm__identity kept = {0};
    prctl(PR_SET_NAME, "kept");
    tm__learn_own_name(&kept);
    prctl(PR_SET_NAME, "another");
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        records[i].name[0] = kept.name[0];
        records[i].name[1] = kept.name[1];
        errno = 4321;
        tm__refresh_name(&records[i]);
        ck_assert_int_eq(errno, 4321);
        expect_name(&records[i], "kept");
    }
}
END_TEST

static struct tm__identity left_behind;

static void look_at_the_parents_thread(void)
{
    tm__refresh_name(&left_behind);
    expect_name(&left_behind, "in the parent");
}

/* A forked child has no threads but one, and the others' names are still to be had from the parent. */
START_TEST(a_child_asks_for_its_parents_threads)
{
    pid_t tid;
    pthread_t thread = start_thread(&tid);
    pthread_setname_np(thread, "in the parent");
    left_behind = (struct tm__identity){.generation_state = TM__ORPHAN, .tid = tid, .forked_from = getpid()};
    in_child(look_at_the_parents_thread);
    end_thread(thread);
}
END_TEST

START_TEST(names_in_the_table_are_those_of_now)
{
    prctl(PR_SET_NAME, "before");
    void *block = tm_malloc(1);
    struct tm_slot slot, slots[3];            /* two are the shared ones */
    syscall(SYS_prctl, PR_SET_NAME, "after"); /* so that only the kernel is told */
    ck_assert_uint_eq(tm_snapshot(slots, 3), 3);
    ck_assert_str_eq(slots[2].name, "before");
    ck_assert(find_slot_of(gettid(), &slot));
    ck_assert_str_eq(slot.name, "after");
    tm_free(block);
    expect_process_live(0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("names");
    TCase *tcase = add_case(suite, "names", 60);
    tcase_add_loop_test(tcase, a_thread_learns_its_own_name, 0, NAMES);
    tcase_add_loop_test(tcase, refreshing_reads_what_learning_does, 0, NAMES);
    tcase_add_test(tcase, a_renamed_thread_is_seen_while_it_lives_and_kept_after);
    tcase_add_test(tcase, the_name_of_no_living_thread_is_left_alone);
    tcase_add_test(tcase, a_child_asks_for_its_parents_threads);
    tcase_add_test(tcase, names_in_the_table_are_those_of_now);
    return run_suite(suite);
}
