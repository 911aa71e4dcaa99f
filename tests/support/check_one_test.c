/* SPDX-License-Identifier: BSD-3-Clause */
/* For one_test: a suite with tests of each kind, one of which fails. */
#include "support/suite.h"

START_TEST(passes)
{
}
END_TEST

START_TEST(passes_too)
{
}
END_TEST

START_TEST(passes_in_a_loop)
{
    ck_assert_int_lt(_i, 3);
}
END_TEST

START_TEST(fails)
{
    ck_abort_msg("as it should");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("one_test");
    TCase *tcase = tcase_create("one_test"), *other = tcase_create("other");
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, other);
    tcase_add_test(tcase, passes);
    tcase_add_test(tcase, fails);
    tcase_add_test(other, passes_too);
    tcase_add_loop_test(other, passes_in_a_loop, 0, 3);
    return run_suite(suite);
}
