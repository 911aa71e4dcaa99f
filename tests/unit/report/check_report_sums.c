/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.c: the rows add up to the total, whatever exiting threads allocate or free, with tags, and in a fork's child.
 */
#define _GNU_SOURCE
#include "parsed_report.h"
#include "support/support.h"

#include <limits.h>
#include <pthread.h>
#include <sys/wait.h>
#include <threadmeter/tags.h>
#include <unistd.h>

static pthread_key_t last_key;
static void *late_block;

/* Called in each round of destructors after the meter's own, whose key is older. */
static void allocate_late(void *round)
{
    if ((uintptr_t)round == PTHREAD_DESTRUCTOR_ITERATIONS)
        late_block = tm_malloc(5 * KIB);
    else
        pthread_setspecific(last_key, (char *)round + 1);
}

static void *end_late(void *block)
{
    pthread_setspecific(last_key, (void *)1);
    tm_free(tm_malloc(1));
    return block;
}

START_TEST(what_exiting_threads_allocate_has_a_row)
{
    tm_free(tm_malloc(1));
    ck_assert_int_eq(pthread_key_create(&last_key, allocate_late), 0);
    in_thread(end_late, NULL);
    take_report();
    ck_assert_int_eq(report.count, 2);
    ck_assert_str_eq(report.rows[1].name, "(shared)"); /* after the threads, however large it is */
    ck_assert_ptr_nonnull(strstr(report.text, "(shared)                -  late "));
    ck_assert_str_eq(report.rows[1].state, "late");
    ck_assert_uint_eq(report.rows[1].live, 5 * KIB);
    ck_assert_uint_eq(report.rows[1].blocks, 1);
    tm_free(late_block);
    expect_process_live(0, 0);
}
END_TEST

static void *free_for_main(void *block)
{
    tm_free(block);
    return NULL;
}

START_TEST(an_exited_thread_that_only_freed_is_in_the_sum)
{
    in_thread(free_for_main, tm_malloc(96));
    take_report(); /* which expects the rows to add up */
    ck_assert_str_eq(report.retired.name, "(exited)");
    ck_assert_uint_eq(report.retired.remote_frees_made, 96);
    ck_assert_uint_eq(report.retired.allocated, 0);
    ck_assert_uint_eq(report.total.remote_frees_made, 96);
    ck_assert_uint_eq(report.total.remote_frees_received, 96);
}
END_TEST

static void *free_for_main_in_tag(void *block)
{
    tm_tag_enter(tm_tag_open("freed"));
    tm_free(tm_malloc(50));
    tm_tag_enter(tm_tag_open("freed too"));
    tm_free(block);
    return NULL;
}

START_TEST(rows_add_up_with_tags)
{
    in_thread(free_for_main_in_tag, tm_malloc(96));
    tm_tag_enter(tm_tag_open("freed"));
    void *block = tm_malloc(33);
    tm_tag_enter(0);
    take_report();
    ck_assert_uint_eq(report.retired.remote_frees_made, 96);
    ck_assert_uint_eq(report.total.allocated, 96 + 50 + 33);
    tm_free(block);
}
END_TEST

START_TEST(rows_add_up_in_a_child)
{
    int status;
    void *block = tm_malloc(33);
    in_thread(free_for_main, tm_malloc(96));
    pid_t child = fork();
    if (child == 0) {
        take_report();
        in_thread(free_for_main, block);
        take_report();
        ck_assert_uint_eq(report.total.remote_frees_made, 96 + 33);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    tm_free(block);
}
END_TEST

static pthread_key_t freeing_key;
static void *freed_late;

static void free_late(void *round)
{
    if ((uintptr_t)round == PTHREAD_DESTRUCTOR_ITERATIONS)
        tm_free(freed_late);
    else
        pthread_setspecific(freeing_key, (char *)round + 1);
}

static void *end_by_freeing(void *arg)
{
    pthread_setspecific(freeing_key, (void *)1);
    tm_free(tm_malloc(1));
    return arg;
}

START_TEST(what_exiting_threads_only_free_has_a_row)
{
    freed_late = tm_malloc(96);
    ck_assert_int_eq(pthread_key_create(&freeing_key, free_late), 0);
    in_thread(end_by_freeing, NULL);
    take_report();
    ck_assert_int_eq(report.count, 2);
    const struct row *late = &report.rows[1];
    ck_assert_str_eq(late->state, "late");
    ck_assert_uint_eq(late->allocated, 0);
    ck_assert_uint_eq(late->remote_frees_made, 96);
}
END_TEST
int main(void)
{
    Suite *suite = suite_create("report_sums");
    TCase *tcase = add_case(suite, "report_sums", 60);
    if (!SANITIZED) {
        tcase_add_test(tcase, what_exiting_threads_allocate_has_a_row);
        tcase_add_test(tcase, what_exiting_threads_only_free_has_a_row);
    }
    tcase_add_test(tcase, rows_add_up_with_tags);
    tcase_add_test(tcase, rows_add_up_in_a_child);
    tcase_add_test(tcase, an_exited_thread_that_only_freed_is_in_the_sum);
    return run_suite(suite);
}
