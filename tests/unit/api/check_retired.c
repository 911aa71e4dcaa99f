/* SPDX-License-Identifier: BSD-3-Clause */
/* retired.c: threads that are gone are on record by name and tag, to the byte. */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <threadmeter/tags.h>

static struct tm_retired rows[1100];
static size_t row_count;

static int keep(const struct tm_retired *row, void *arg)
{
    (void)arg;
    rows[row_count++] = *row;
    return row_count == sizeof rows / sizeof rows[0];
}

static const struct tm_retired *find(const char *name, const char *tag)
{
    row_count = 0;
    ck_assert_int_eq(tm_each_retired(keep, NULL), 0);
    for (size_t i = 0; i < row_count; i++)
        if (strcmp(rows[i].name, name) == 0 && strcmp(rows[i].tag, tag) == 0)
            return &rows[i];
    return NULL;
}

static void expect_row(const char *name, const char *tag, uint64_t accounts, uint64_t bytes, uint64_t blocks,
                       uint64_t peak)
{
    const struct tm_retired *row = find(name, tag);
    ck_assert_msg(row != NULL, "no row of %s", name);
    ck_assert_uint_eq(row->accounts, accounts);
    ck_assert_uint_eq(row->totals.allocated_bytes, bytes);
    ck_assert_uint_eq(row->totals.freed_bytes, bytes);
    ck_assert_uint_eq(row->totals.allocated_blocks, blocks);
    ck_assert_uint_eq(row->totals.freed_blocks, blocks);
    ck_assert_uint_eq(row->totals.peak_bytes, peak);
}

struct job {
    const char *name;
    size_t bytes;
    int times;
    tm_tag tag;
    void *left; /* what it did not free */
};

static void *work(void *arg)
{
    struct job *job = arg;
    pthread_setname_np(pthread_self(), job->name);
    if (job->tag != 0)
        tm_tag_enter(job->tag);
    for (int i = 0; i < job->times; i++)
        tm_free(tm_malloc(job->bytes));
    return NULL;
}

static void *work_and_leave_one(void *arg)
{
    struct job *job = arg;
    work(arg);
    job->left = tm_malloc(job->bytes);
    return NULL;
}

START_TEST(each_has_the_name_of_its_thread)
{
    enum { BYTES = 50 << 20 };
    static const char *const names[] = {"parse", "index", "write"};
    for (int i = 0; i < 3; i++)
        in_thread(work, &(struct job){.name = names[i], .bytes = BYTES, .times = 1 + i});
    for (int i = 0; i < 3; i++) /* by one slot after the other, which is the same one */
        expect_row(names[i], "", 1, (uint64_t)BYTES * (1 + (uint64_t)i), 1 + (uint64_t)i, BYTES);
}
END_TEST

START_TEST(threads_of_one_name_are_added_up)
{
    uint64_t bytes = 0;
    for (size_t i = 1; i <= 20; i++) {
        bytes += 100 * i * 3;
        in_thread(work, &(struct job){.name = "pool", .bytes = 100 * i, .times = 3});
    }
    expect_row("pool", "", 20, bytes, 60, 2000);
    ck_assert_uint_eq(find("pool", "")->thread_peak_bytes, 2000);
}
END_TEST

START_TEST(the_last_name_counts)
{
    struct job job = {.name = "before", .bytes = 10, .times = 1};
    in_thread(work_and_leave_one, &job);
    ck_assert_ptr_null(find("before", "")); /* it owns a block */
    struct tm_slot slot;
    ck_assert(find_slot_in(TM_ORPHAN, &slot));
    in_thread(free_it, job.left);
    expect_row("before", "", 1, 20, 2, 10);
    ck_assert_uint_eq(find("before", "")->totals.remote_frees_received_bytes, 10);
    uint64_t made = 0;
    for (size_t i = 0; i < row_count; i++)
        made += rows[i].totals.remote_frees_made_bytes;
    ck_assert_uint_eq(made, 10);
}
END_TEST

static void *rename_twice(void *arg)
{
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "name-%d", i);
        pthread_setname_np(pthread_self(), name);
        tm_free(tm_malloc(7));
    }
    return arg;
}

START_TEST(a_thread_has_one_name)
{
    in_thread(rename_twice, NULL);
    expect_row("name-2", "", 1, 21, 3, 7);
    ck_assert_ptr_null(find("name-0", ""));
}
END_TEST

static pthread_barrier_t barrier;

static void *work_between_barriers(void *arg)
{
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    tm_free(tm_malloc(12));
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return arg;
}

/* Before or after the thread has attached: the name is known without a reader who asks the kernel. */
START_TEST(another_thread_gives_the_name)
{
    pthread_t thread;
    tm_free(tm_malloc(1)); /* the first thread that attaches asks the kernel */
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, work_between_barriers, NULL);
    pthread_barrier_wait(&barrier);
    if (_i == 0)
        pthread_setname_np(thread, "given");
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    if (_i == 1)
        pthread_setname_np(thread, "given");
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    expect_row("given", "", 1, 12, 1, 12);
}
END_TEST

START_TEST(tags_have_rows_of_their_own)
{
    tm_tag upload = tm_tag_open("upload");
    in_thread(work, &(struct job){.name = "tagged", .bytes = 40, .times = 2, .tag = upload});
    in_thread(work, &(struct job){.name = "tagged", .bytes = 60, .times = 1, .tag = upload});
    expect_row("tagged", "upload", 2, 140, 3, 60);
    expect_row("tagged", "", 2, 0, 0, 0);
    tm_tag_close(upload);
    in_thread(work, &(struct job){.name = "tagged", .bytes = 11, .times = 1});
    expect_row("tagged", "upload", 2, 140, 3, 60);
    expect_row("tagged", "", 3, 11, 1, 11);
}
END_TEST

static void go_on_in_child(void)
{
    expect_row("parent", "", 1, 33, 1, 33);
    in_thread(work, &(struct job){.name = "parent", .bytes = 44, .times = 1});
    in_thread(work, &(struct job){.name = "child", .bytes = 55, .times = 1});
    expect_row("parent", "", 2, 77, 2, 44);
    expect_row("child", "", 1, 55, 1, 55);
    expect_invariant();
}

START_TEST(a_forks_child_goes_on_with_them)
{
    in_thread(work, &(struct job){.name = "parent", .bytes = 33, .times = 1});
    in_child(go_on_in_child);
    expect_row("parent", "", 1, 33, 1, 33);
    ck_assert_ptr_null(find("child", ""));
}
END_TEST

START_TEST(names_beyond_the_table_are_others)
{
    enum { ROOM = 1023, NAMES = ROOM + 50 };
    uint64_t others = 0;
    for (size_t i = 0; i < NAMES; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%zu", i);
        in_thread(work, &(struct job){.name = name, .bytes = 100 + i, .times = 1});
        others += i >= ROOM ? 100 + i : 0;
    }
    in_thread(work, &(struct job){.name = "n5", .bytes = 1, .times = 1}); /* it has a row already */
    expect_row("(others)", "", NAMES - ROOM, others, NAMES - ROOM, 100 + NAMES - 1);
    ck_assert_str_eq(rows[0].name, "(others)");
    ck_assert_uint_eq(row_count, ROOM + 1);
    expect_row("n5", "", 2, 106, 2, 105);
    expect_row("n1022", "", 1, 1122, 1, 1122);
    ck_assert_ptr_null(find("n1023", ""));
}
END_TEST

enum { RACERS = 4, ROUNDS = 100 };

static void *race(void *arg)
{
    struct job job = {.name = arg, .bytes = 24, .times = 2};
    for (int i = 0; i < ROUNDS; i++)
        in_thread(work, &job);
    return NULL;
}

START_TEST(threads_that_end_at_once_are_all_there)
{
    static const char *const names[RACERS] = {"one", "two", "one", "three"};
    pthread_t threads[RACERS];
    for (int i = 0; i < RACERS; i++)
        pthread_create(&threads[i], NULL, race, (void *)(uintptr_t)names[i]);
    for (int i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);
    expect_row("one", "", 2 * ROUNDS, 2 * ROUNDS * 48, 2 * ROUNDS * 2, 24);
    expect_row("two", "", ROUNDS, ROUNDS * 48, ROUNDS * 2, 24);
    expect_row("three", "", ROUNDS, ROUNDS * 48, ROUNDS * 2, 24);
}
END_TEST

static int end_walk(const struct tm_retired *row, void *arg)
{
    (void)row;
    ++*(int *)arg;
    return 7;
}

START_TEST(a_visit_can_end_the_walk)
{
    int visits = 0;
    in_thread(work, &(struct job){.name = "a", .bytes = 1, .times = 1});
    in_thread(work, &(struct job){.name = "b", .bytes = 1, .times = 1});
    ck_assert_int_eq(tm_each_retired(end_walk, &visits), 7);
    ck_assert_int_eq(visits, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("retired");
    TCase *tcase = add_case(suite, "retired", 120);
    tcase_add_test(tcase, each_has_the_name_of_its_thread);
    tcase_add_test(tcase, threads_of_one_name_are_added_up);
    tcase_add_test(tcase, the_last_name_counts);
    tcase_add_test(tcase, a_thread_has_one_name);
    tcase_add_loop_test(tcase, another_thread_gives_the_name, 0, 2);
    tcase_add_test(tcase, tags_have_rows_of_their_own);
    tcase_add_test(tcase, a_forks_child_goes_on_with_them);
    tcase_add_test(tcase, names_beyond_the_table_are_others);
    tcase_add_test(tcase, threads_that_end_at_once_are_all_there);
    tcase_add_test(tcase, a_visit_can_end_the_walk);
    return run_suite(suite);
}
