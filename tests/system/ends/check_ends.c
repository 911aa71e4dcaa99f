/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads and processes that end in unusual ways, and what the report says of them, to the byte. The environment
 * variable HELPER_ENDS is the path of the program.
 */
#define _GNU_SOURCE
#include "support/report_rows.h"
#include "support/support.h"

#include <fcntl.h>
#include <unistd.h>

static char text[20000];
static const char *me; /* the name of the first thread: the beginning of the program's */

static void run(const char *way)
{
    static char name[16];
    const char *program = getenv("HELPER_ENDS");
    ck_assert_msg(program != NULL, "HELPER_ENDS is not set");
    me = first_thread_name(program, name);
    run_reported((const char *const[]){program, way, NULL}, text, sizeof text);
}

START_TEST(the_first_thread_leaves_and_another_ends_the_program)
{
    run("first-leaves");
    ck_assert_int_eq(count_reports(text), 1);
    expect_row(text, 0, me, "orphan", 100, 1, 150, 50);
    expect_row(text, 0, "worker", "orphan", 200, 1, 200, 0);
    expect_row(text, 0, "total", "total", 300, 2, 350, 50);
}
END_TEST

START_TEST(the_first_thread_returns_before_the_others)
{
    run("first-returns");
    ck_assert_int_eq(count_reports(text), 1);
    expect_row(text, 0, me, "live", 70, 1, 70, 0);
    expect_row(text, 0, "waits-1", "live", 120, 1, 120, 0);
    expect_row(text, 0, "waits-2", "live", 120, 1, 120, 0);
}
END_TEST

START_TEST(another_thread_calls_exit)
{
    run("exit-elsewhere");
    ck_assert_int_eq(count_reports(text), 1);
    expect_row(text, 0, me, "live", 75, 1, 75, 0);
    expect_row(text, 0, "exits", "live", 130, 1, 130, 0);
    expect_row(text, 0, "total", "total", 205, 2, 205, 0);
}
END_TEST

/* The kernel keeps the first thread as a zombie until the last thread has exited. */
START_TEST(the_first_thread_dies_by_a_system_call)
{
    run("first-dies");
    expect_row(text, 0, me, "live", 100, 1, 150, 50);
    expect_row(text, 0, "worker", "live", 200, 1, 200, 0);
    expect_row(text, 0, "total", "total", 300, 2, 350, 50);
}
END_TEST

START_TEST(a_thread_is_cancelled_where_it_waits)
{
    run("cancel-deferred");
    expect_row(text, 0, "deferred", "orphan", 330, 2, 350, 0);
    expect_row(text, 0, "total", "total", 330, 2, 350, 0);
}
END_TEST

START_TEST(a_thread_is_cancelled_anywhere)
{
    run("cancel-asynchronous");
    expect_row(text, 0, "asynchronous", "orphan", 310, 1, 310, 0);
    expect_row(text, 0, "total", "total", 310, 1, 310, 0);
}
END_TEST

START_TEST(a_cancelled_thread_does_not_end_in_the_middle_of_us)
{
    run("cancelled-before");
    expect_row(text, 0, "cancelled", "orphan", 323, 2, 328, 0);
    expect_row(text, 0, "total", "total", 324, 3, 329, 0);
}
END_TEST

START_TEST(threads_are_cancelled_where_they_wait_for_a_line)
{
    run("cancel-reading");
    expect_row(text, 0, me, "live", 63, 1, 63, 0);
    expect_row(text, 0, "total", "total", 63, 1, 63, 0);
}
END_TEST

START_TEST(detached_threads)
{
    run("detached");
    expect_row(text, 0, "detached-0", "orphan", 40, 1, 44, 0);
    expect_row(text, 0, "detached-2", "orphan", 40, 1, 44, 0);
    expect_row(text, 0, "total", "total", 80, 2, 132, 40);
    const char *exited = strstr(text, "\nEXITED");
    ck_assert_ptr_nonnull(exited); /* it left nothing, so it has no row of its own */
    ck_assert_ptr_eq(strstr(text, "detached-1"), strstr(exited, "detached-1"));
    ck_assert_ptr_nonnull(strstr(exited, "detached-1"));
}
END_TEST

START_TEST(a_thread_dies_by_a_system_call)
{
    run("dies");
    expect_row(text, 0, "dies", "orphan", 140, 1, 147, 7);
    expect_row(text, 0, "total", "total", 140, 1, 147, 7);
}
END_TEST

START_TEST(a_program_after_exec_has_new_totals)
{
    run("execve");
    ck_assert_int_eq(count_reports(text), 1);
    expect_row(text, 0, me, "live", 61, 1, 61, 0);
    expect_row(text, 0, "total", "total", 61, 1, 61, 0);
}
END_TEST

START_TEST(a_child_program_has_its_own_totals)
{
    static const char *const ways[] = {"vfork", "spawn", "system", "popen"};
    run(ways[_i]);
    ck_assert_int_eq(count_reports(text), 2);
    expect_row(text, 0, me, "live", 61, 1, 61, 0);
    expect_row(text, 0, "total", "total", 61, 1, 61, 0);
    expect_row(text, 1, me, "live", 62, 1, 62, 0);
    expect_row(text, 1, "total", "total", 62, 1, 62, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ends");
    TCase *tcase = add_case(suite, "ends", 120);
    tcase_add_test(tcase, the_first_thread_returns_before_the_others);
    tcase_add_test(tcase, another_thread_calls_exit);
    tcase_add_test(tcase, a_thread_is_cancelled_where_it_waits);
    tcase_add_test(tcase, a_cancelled_thread_does_not_end_in_the_middle_of_us);
    tcase_add_test(tcase, threads_are_cancelled_where_they_wait_for_a_line);
    tcase_add_test(tcase, detached_threads);
    if (!SANITIZED) { /* sanitizers do not support a join of the first thread, nor threads that end by a system call */
        tcase_add_test(tcase, the_first_thread_leaves_and_another_ends_the_program);
        tcase_add_test(tcase, the_first_thread_dies_by_a_system_call);
        tcase_add_test(tcase, a_thread_is_cancelled_anywhere);
        add_unless_emulated(tcase, a_thread_dies_by_a_system_call, LETS_GO_LATE);
    }
    add_unless_emulated(tcase, a_program_after_exec_has_new_totals, STARTS_PROGRAMS);
    if (!is_left_out("a_child_program_has_its_own_totals", STARTS_PROGRAMS))
        tcase_add_loop_test(tcase, a_child_program_has_its_own_totals, 0, 4);
    return run_suite(suite);
}
