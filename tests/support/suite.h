/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libcheck, with one function of a suite selectable alone: TEST_FUNCTION=name in the environment. libcheck itself selects
 * whole test cases only.
 */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <check.h>
#include <stdbool.h>

/* Whether the test is to be run. */
bool is_selected(const char *name);

/* All of libcheck's ways to add a test are macros that call this. The function itself is meant inside. */
#define _tcase_add_test(tcase, test, signal, status, start, end)                                                       \
    (is_selected((test)->name) ? (_tcase_add_test)((tcase), (test), (signal), (status), (start), (end)) : (void)0)

/*
 * Runs a suite and gives main()'s result. The environment chooses the output (see tests/meson.build). It is a failure,
 * and said, if TEST_FUNCTION names no test that was added.
 */
int run_suite(Suite *suite);

#endif
