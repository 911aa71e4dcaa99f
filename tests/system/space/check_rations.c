/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much memory a program with threadmeter gets within a limit, compared with the same program with bare tcmalloc.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KIB = 1024, MIB = 1024 * KIB };

static void limit_and_become(int resource, rlim_t bytes, const char *program, int out)
{
    struct rlimit limit = {bytes, bytes};
    dup2(out, STDOUT_FILENO);
    if (setrlimit(resource, &limit) == 0)
        execl(program, program, (char *)NULL);
    _exit(127);
}

/* Runs the program within the limit, and returns how many KiB it got. */
static size_t had(const char *variable, int resource, rlim_t bytes)
{
    const char *program = getenv(variable);
    int ends[2];
    char line[32] = "";
    ck_assert_ptr_nonnull(program);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        limit_and_become(resource, bytes, program, ends[1]);
    close(ends[1]);
    ck_assert_int_gt(read(ends[0], line, sizeof line - 1), 0);
    close(ends[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    return strtoul(line, NULL, 10);
}

static const size_t limits[] = {48 * MIB, 100000 * KIB, 150000 * KIB, 400 * MIB};
enum { LIMITS = sizeof limits / sizeof limits[0] };

/* The library's static data, the first pages of its tables, and its code. */
enum { OF_DATA = 3 * MIB, OF_ADDRESSES = 4 * MIB };

START_TEST(data)
{
    size_t bare = had("EAT_BARE", RLIMIT_DATA, limits[_i]), ours = had("EAT", RLIMIT_DATA, limits[_i]);
    ck_assert_uint_gt(bare, limits[_i] / KIB / 2);
    ck_assert_uint_ge(ours + OF_DATA / KIB, bare);
}
END_TEST

START_TEST(address_space)
{
    size_t bare = had("EAT_BARE", RLIMIT_AS, limits[_i]), ours = had("EAT", RLIMIT_AS, limits[_i]);
    ck_assert_uint_gt(bare, limits[_i] / KIB / 2);
    ck_assert_uint_ge(ours + (limits[_i] / 64 + OF_ADDRESSES) / KIB, bare);
}
END_TEST

START_TEST(while_flows_are_recorded)
{
    enum { FLOWS = 3 * MIB };
    setenv("THREADMETER_FLOW", "1", 1);
    size_t bare = had("EAT_BARE", RLIMIT_DATA, limits[_i]), ours = had("EAT", RLIMIT_DATA, limits[_i]);
    ck_assert_uint_ge(ours + (OF_DATA + FLOWS) / KIB, bare);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rations");
    TCase *tcase = add_case(suite, "rations", 120);
    tcase_add_loop_test(tcase, data, 0, LIMITS);
    tcase_add_loop_test(tcase, address_space, 0, LIMITS);
    tcase_add_loop_test(tcase, while_flows_are_recorded, 0, LIMITS);
    return run_suite(suite);
}
