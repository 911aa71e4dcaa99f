/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lets every call of the library that may fail, fail: one call after the other, all from one call on, and at random.
 * The scenario calls all functions on several threads. Each run has a process of its own, because the library decides
 * some things once for the whole process.
 */
#define _GNU_SOURCE
#include "inject.h"
#include "scenario.h"
#include "support/support.h"

#include <sys/wait.h>
#include <unistd.h>

enum { ALL_RIGHT, NOTHING_FAILED = 100 };

/* Runs the scenario, which must succeed, and returns whether any call failed. */
static bool run_with(unsigned kinds, enum fault_mode mode, uint64_t n, uint64_t seed)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        prepare_scenario();
        faults_begin(kinds, mode, n, seed);
        run_scenario();
        uint64_t failed = faults_end();
        tm_flush_cache();
        expect_process_live(0, 0);
        expect_invariant();
        ck_assert_uint_eq(objects_in_use(), 0);
        _exit(failed > 0 ? ALL_RIGHT : NOTHING_FAILED);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == ALL_RIGHT || WEXITSTATUS(status) == NOTHING_FAILED),
                  "status %#x with call %lu of kinds %#x failing, mode %d, seed %lu", status, (unsigned long)n, kinds,
                  mode, (unsigned long)seed);
    return WEXITSTATUS(status) == ALL_RIGHT;
}

/* Lets each call fail in turn; or, if not `each`, skips ever more of them. */
static void in_turn(enum fault kind, enum fault_mode mode, bool each)
{
    uint64_t n = 1;
    while (run_with(1U << kind, mode, n, 0))
        n += each ? 1 : 1 + n / (SANITIZED ? 2 : 8);
    ck_assert_uint_gt(n, 1); /* there were such calls */
}

START_TEST(each_call_in_turn)
{
    /* A sanitizer is slow, and guards change little of what happens, so there not each call is tried. */
    in_turn((enum fault)_i, FAULT_ONCE, !SANITIZED && !getenv("THREADMETER_GUARD"));
}
END_TEST

START_TEST(all_from_a_call_on)
{
    in_turn((enum fault)_i, FAULT_FROM_THEN_ON, false);
}
END_TEST

START_TEST(any_calls_at_random)
{
    for (uint64_t seed = 1; seed <= (SANITIZED ? 2 : 25); seed++)
        for (uint64_t one_of = 2; one_of <= 32; one_of *= 4)
            run_with((1U << FAULTS) - 1, FAULT_AT_RANDOM, one_of, seed);
}
END_TEST

START_TEST(nothing_fails_by_itself)
{
    ck_assert(!run_with(0, FAULT_ONCE, 1, 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults");
    TCase *tcase = add_case(suite, "faults", 240);
    tcase_add_test(tcase, nothing_fails_by_itself);
    tcase_add_loop_test(tcase, each_call_in_turn, 0, FAULTS);
    tcase_add_loop_test(tcase, all_from_a_call_on, 0, FAULTS);
    tcase_add_test(tcase, any_calls_at_random);
    return run_suite(suite);
}
