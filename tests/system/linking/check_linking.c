/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the library can be part of a program: linked as a shared library or as an archive, which must give the same
 * totals; loaded at run time, and closed again. Environment variables are the paths of the programs and the plugins.
 */
#define _GNU_SOURCE
#include "support/report_rows.h"
#include "support/support.h"

static char text[20000];

static const char *program(const char *variable)
{
    const char *value = getenv(variable);
    ck_assert_msg(value != NULL, "%s is not set", variable);
    return value;
}

/* The first thread: a constructor's 21 bytes, main's 200, an exit handler's 50 and a destructor's 7. */
START_TEST(before_and_after_main)
{
    static const char *const forms[] = {"LINKED", "LINKED_STATIC"};
    const char *path = program(forms[_i]);
    run_reported((const char *const[]){path, NULL}, text, sizeof text);
    ck_assert_int_eq(count_reports(text), 1);
    char name[16];
    expect_row(text, 0, first_thread_name(path, name), "live", 57, 2, 278, 200);
    expect_row(text, 0, "early", "orphan", 30, 1, 130, 100);
    expect_row(text, 0, "total", "total", 87, 3, 408, 300);
}
END_TEST

/* 20 threads, and 20 uses by the first thread; ten of the threads left a block of 6 bytes. */
START_TEST(loaded_closed_and_loaded_again)
{
    static const char *const forms[] = {"PLUGIN", "PLUGIN_STATIC"};
    run_reported((const char *const[]){program("HOST"), program(forms[_i]), NULL}, text, sizeof text);
    ck_assert_int_eq(count_reports(text), 1);
    expect_row(text, 0, "total", "total", 10 * 6, 10, 20 * (10 + 6 + 9), 10 * 6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("linking");
    TCase *tcase = add_case(suite, "linking", 60);
    tcase_add_loop_test(tcase, before_and_after_main, 0, 2);
    if (!is_left_out("loaded_closed_and_loaded_again", NO_STATIC_TLS))
        tcase_add_loop_test(tcase, loaded_closed_and_loaded_again, 0, 2);
    return run_suite(suite);
}
