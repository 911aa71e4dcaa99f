/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fork of a process that publishes, where the kernel gives little memory, or none: the child has a region of its own,
 * its totals are its parent's at the fork and what it does itself, to the byte, and its parent's are what they were. Of
 * steps that fail one by one, see check_publish_fork.c.
 */
#define _GNU_SOURCE
#include "forked_work.h"
#include "support/published.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* work() where not even a thread can be created. */
static void work_alone(void)
{
    expect_mine();
    free_one();
    free_one();
    expect_mine();
    keep(333);
    keep(900);
    expect_mine();
}

/* Of the line of /proc/self/status that begins so, in bytes. */
static rlim_t now_of(const char *line)
{
    char text[200];
    unsigned long long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    ck_assert_ptr_nonnull(status);
    while (fgets(text, sizeof text, status))
        if (strncmp(text, line, strlen(line)) == 0)
            ck_assert_int_eq(sscanf(text + strlen(line), ": %llu", &kilobytes), 1);
    fclose(status);
    return kilobytes << 10;
}

static void limit(int resource, rlim_t size)
{
    ck_assert_int_eq(setrlimit(resource, &(struct rlimit){size, RLIM_INFINITY}), 0);
}

enum { MARGIN = 32 << 20 };

/* The directory is moved away, so that no child can publish; it is back when the test is done. */
static char moved[80];

static void move_directory(void)
{
    snprintf(moved, sizeof moved, "%s.moved", directory);
    ck_assert_int_eq(rename(directory, moved), 0);
}

static const struct scarcity {
    int threads;
    bool flow, unpublished;
} scarcities[] = {{0, false, false},    {0, true, false},    {0, false, true},    {0, true, true},
                  {3000, false, false}, {3000, true, false}, {3000, false, true}, {3000, true, true}};
enum { SCARCITIES = sizeof scarcities / sizeof scarcities[0] };

static void expect_work_in_scarcity(const struct scarcity *scarcity, int resource, const char *line)
{
    if (scarcity->flow)
        setenv("THREADMETER_FLOW", "1", 1);
    use_slots(scarcity->threads);
    const struct tm__region *mine = map_file_of(getpid());
    limit(resource, now_of(line) + MARGIN);
    if (!scarcity->unpublished) {
        expect_work_in_child(work_and_fork, true);
        return;
    }
    uint64_t before = live_in(mine);
    move_directory();
    pid_t child = start(work_and_fork);
    int status = end_of(child);
    ck_assert_int_eq(rename(moved, directory), 0);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 99, "status %#x", (unsigned)status);
    ck_assert_uint_eq(live_in(mine), before);
    expect_mine();
}

START_TEST(a_child_lives_where_address_space_is_scarce)
{
    expect_work_in_scarcity(&scarcities[_i], RLIMIT_AS, "VmSize");
}
END_TEST

START_TEST(a_child_lives_where_data_is_scarce)
{
    expect_work_in_scarcity(&scarcities[_i], RLIMIT_DATA, "VmData");
}
END_TEST

/* A limit below what there is, as shells set it: nothing can be mapped until something has gone. */
START_TEST(a_child_lives_where_there_is_more_than_the_limit)
{
    use_slots(0);
    limit(RLIMIT_AS, now_of("VmSize") - MARGIN);
    if (_i == 0)
        expect_work_in_child(work_alone, true);
    else
        expect_work_in_child(work_and_fork, true);
}
END_TEST

/* And where nothing can be mapped at all. */
START_TEST(a_child_lives_where_nothing_can_be_mapped)
{
    use_slots(0);
    int said = stderr_now();
    limit(_i == 0 ? RLIMIT_AS : RLIMIT_DATA, 1 << 20);
    expect_work_in_child(work_alone, _i != 0);
    expect_said(said, NULL);
}
END_TEST

/* Threads are to fit into the margin, so their stacks have a size of the test's. */
static void add_limits(TCase *tcase)
{
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 20);
    pthread_setattr_default_np(&small);
    pthread_attr_destroy(&small);
    tcase_add_loop_test(tcase, a_child_lives_where_address_space_is_scarce, 0, SCARCITIES);
    tcase_add_loop_test(tcase, a_child_lives_where_data_is_scarce, 0, SCARCITIES);
    tcase_add_loop_test(tcase, a_child_lives_where_there_is_more_than_the_limit, 0, 2);
    tcase_add_loop_test(tcase, a_child_lives_where_nothing_can_be_mapped, 0, 2);
}

int main(void)
{
    Suite *suite = suite_create("publish_fork_limits");
    TCase *tcase = add_case(suite, "publish_fork_limits", 60);
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    if (!SANITIZED && !is_left_out("limits", NO_LIMIT_OF_MEMORY))
        add_limits(tcase);
    return run_suite(suite);
}
