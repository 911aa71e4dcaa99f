/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threadmeter/reader.h: processes that see other files, or have other numbers, than the reader; and those of another
 * user. A test that is not permitted here is left out, and the output says so.
 */
#define _GNU_SOURCE
#include "support/elsewhere.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(one_in_a_pid_namespace_of_its_own)
{
    pid_t inside_parent, watched;
    make_channels();
    make_number_channel();
    inside_parent = start_child(own_in_a_container);
    if (!hear_number(inside_parent, &watched))
        return;
    wait_for_child();
    struct tm_reader *reader = open_pid(watched);
    const struct tm_reading *reading = read_from(reader);
    ck_assert(reading->live);
    ck_assert_int_eq(reading->pid, watched);
    expect_worker(reading);
    ck_assert_int_lt(thread_named(reading, "worker")->tid, 10); /* as it is numbered there */
    /* By its file, where it has number 1, which is another process here. */
    char path[100];
    snprintf(path, sizeof path, "/proc/%d/root%s", (int)watched, publish_directory);
    struct tm_reader *by_file = open_file(find_file(path));
    ck_assert(strstr(found, "/1-") != NULL);
    reading = read_from(by_file);
    ck_assert(reading->live);
    ck_assert_int_eq(reading->pid, watched);
    expect_worker(reading);
    kill(watched, SIGKILL);
    kill_child(inside_parent);
    while (kill(watched, 0) == 0 && read_from(reader)->live)
        sched_yield();
    reading = read_from(by_file);
    ck_assert(!reading->live);
    expect_worker(reading);
    tm_reader_close(reader);
    tm_reader_close(by_file);
}
END_TEST

static void own_with_mounts(void)
{
    unmount_from_others();
    tell_number(getpid());
    own_with_a_worker();
}

static void own_in_a_narrower_root(void)
{
    char narrow[100];
    tm_free(tm_malloc(1)); /* which publishes */
    snprintf(narrow, sizeof narrow, "%s/narrow", publish_directory);
    step(mkdir(narrow, 0700) == 0 && chroot(narrow) == 0 && chdir("/") == 0, "chroot");
    tell_number(getpid());
    own_with_a_worker();
}

static void own_in_a_namespace_and_a_narrower_root(void)
{
    unmount_from_others();
    step(chroot(publish_directory) == 0 && chdir("/") == 0, "chroot");
    setenv("THREADMETER_PUBLISH", "/", 1);
    tell_number(getpid());
    own_with_a_worker();
}

START_TEST(one_that_sees_other_files)
{
    static void (*const ways[])(void) = {own_with_mounts, own_in_a_narrower_root,
                                         own_in_a_namespace_and_a_narrower_root};
    pid_t watched;
    make_channels();
    make_number_channel();
    pid_t child = start_child(ways[_i]);
    if (!hear_number(child, &watched))
        return;
    wait_for_child();
    struct tm_reader *reader = open_pid(watched);
    const struct tm_reading *reading = read_from(reader);
    ck_assert(reading->live);
    ck_assert_uint_eq(tm_live_bytes(&reading->process), 2300);
    if (ways[_i] != own_in_a_namespace_and_a_narrower_root) /* to which no path leads */
        ck_assert_msg(access(tm_reader_path(reader), R_OK) == 0, "%s is not there", tm_reader_path(reader));
    kill_child(child);
    ck_assert(!read_from(reader)->live);
    tm_reader_close(reader);
}
END_TEST

START_TEST(a_file_that_somebody_removed)
{
    make_channels();
    pid_t child = start_child(own_with_a_worker);
    wait_for_child();
    ck_assert_int_eq(unlink(find_file(publish_directory)), 0);
    if (geteuid() == 0) { /* root may ask the kernel for it */
        struct tm_reader *reader = open_pid(child);
        expect_worker(read_from(reader));
        tm_reader_close(reader);
    } else {
        struct tm_reader *reader;
        ck_assert_int_eq(tm_reader_open_pid(child, &reader, NULL), -ENOENT);
    }
    kill_child(child);
}
END_TEST

/* ---- a process of another user ---- */

static pid_t watched_by_nobody;

static void look_as_nobody(void)
{
    struct tm_reader *reader;
    char message[TM_READER_MESSAGE] = "", expected[TM_READER_MESSAGE];
    step(setuid(65534) == 0, "another user");
    ck_assert_int_eq(tm_reader_open(found, &reader, message), -EACCES);
    snprintf(expected, sizeof expected, "cannot open %.200s: Permission denied (it is root's)", found);
    ck_assert_str_eq(message, expected);
    expect_no_reader(watched_by_nobody, -EACCES, "cannot look at process %d: Permission denied");
}

START_TEST(another_users)
{
    make_channels();
    watched_by_nobody = start_child(own_with_a_worker);
    wait_for_child();
    ck_assert_int_eq(chmod(publish_directory, 0711), 0);
    find_file(publish_directory);
    if (geteuid() == 0)
        in_child(look_as_nobody);
    kill_child(watched_by_nobody);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader_elsewhere");
    TCase *tcase = add_publishing_case(suite, "elsewhere", 60);
    tcase_add_test(tcase, one_in_a_pid_namespace_of_its_own);
    tcase_add_loop_test(tcase, one_that_sees_other_files, 0, 3);
    tcase_add_test(tcase, a_file_that_somebody_removed);
    tcase_add_test(tcase, another_users);
    return run_suite(suite);
}
