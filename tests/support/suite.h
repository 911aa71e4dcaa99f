/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libcheck, where TEST_FUNCTION=name in the environment selects one function of a suite. libcheck itself selects whole
 * test cases only.
 */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <check.h>
#include <stdbool.h>

/* Whether the test of this name is selected. */
bool is_selected(const char *name);

/* All of libcheck's macros that add a test call this. In the replacement, the name is libcheck's function. */
#define _tcase_add_test(tcase, test, signal, status, start, end)                                                       \
    (is_selected((test)->name) ? (_tcase_add_test)((tcase), (test), (signal), (status), (start), (end)) : (void)0)

/*
 * Runs a suite and returns the value for main() to return. The environment selects the output (see tests/meson.build). If
 * TEST_FUNCTION names no test that was added, it fails with a message.
 */
int run_suite(Suite *suite);

#endif
