/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threadmeter/reader.h: which process a file is of, whether that lives, and what is left when it has ended. Each test
 * watches a child. This program is that child, too: with an argument it owns 61 bytes until it is told to end.
 */
#define _GNU_SOURCE
#include "support/children.h"
#include "support/reading.h"

#include "state/layout.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <threadmeter/tags.h>
#include <unistd.h>

static void *volatile kept[8];
/* ---- it ends ---- */

START_TEST(one_that_is_killed_left_all)
{
    make_channels();
    pid_t child = start_child(own_with_a_worker);
    wait_for_child();
    struct tm_reader *reader = open_pid(child);
    const struct tm_reading *reading = read_from(reader);
    ck_assert(reading->live);
    ck_assert_int_eq(reading->pid, child);
    expect_worker(reading);
    kill(child, SIGKILL);
    siginfo_t end;
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &end, WEXITED | WNOWAIT), 0);
    expect_no_reader(child, -ENOENT, PUBLISHES_NOTHING); /* a zombie */
    ck_assert(!read_from(reader)->live);
    kill_child(child);
    for (int i = 0; i < 2; i++) {
        reading = read_from(reader);
        ck_assert(!reading->live);
        ck_assert_int_eq(reading->pid, child);
        expect_worker(reading);
        tm_reader_close(reader);
        reader = open_file(find_file(publish_directory));
        ck_assert_str_eq(tm_reader_path(reader), found);
    }
    tm_reader_close(reader);
    expect_no_reader(child, -ESRCH, "there is no process %d");
}
END_TEST

static void *storm(void *arg)
{
    for (tm_tag tag = tm_tag_open(arg);;) {
        tm_tag previous = tm_tag_enter(tag);
        void *block = tm_realloc(tm_malloc(100), 200);
        tm_tag_leave(previous);
        tm_free(block);
    }
    return arg;
}

static void begin_a_storm(void)
{
    pthread_t threads[2];
    kept[0] = tm_malloc(100);
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, storm, (void *)"storm") != 0)
            _exit(1);
    tell_parent();
    for (;;)
        pause();
}

START_TEST(one_that_is_killed_in_a_storm)
{
    make_channels();
    pid_t child = start_child(begin_a_storm);
    wait_for_child();
    struct tm_reader *reader = open_pid(child);
    for (int i = 0; i < _i; i++)
        read_from(reader);
    kill_child(child);
    const struct tm_reading *reading = read_from(reader);
    struct tm_totals process = reading->process;
    ck_assert(!reading->live);
    ck_assert_uint_ge(tm_live_bytes(&process), 100);
    ck_assert_uint_le(tm_live_bytes(&process), 100 + 2 * 300);
    ck_assert_uint_eq(read_from(reader)->process.allocated_bytes, process.allocated_bytes);
    tm_reader_close(reader);
}
END_TEST

/* ---- it becomes another program ---- */

static void become_this(const char *program, const char *argument, int from, int to)
{
    dup2(from, STDIN_FILENO);
    dup2(to, STDOUT_FILENO);
    become((const char *const[]){program, argument, NULL});
    _exit(1);
}

static int in[2], out[2];

static void own_then_be_the_helper(void)
{
    kept[0] = tm_malloc(100);
    tell_parent();
    wait_for_parent();
    become_this(getenv("CHECK_READER_LIFE"), "61", in[0], out[1]);
}

static void expect_a_word(int fd)
{
    char byte;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
}

START_TEST(one_that_becomes_another_that_publishes)
{
    make_channels();
    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    pid_t child = start_child(own_then_be_the_helper);
    wait_for_child();
    struct tm_reader *before = open_pid(child);
    ck_assert(read_from(before)->live);
    tell_child();
    expect_a_word(out[0]);
    const struct tm_reading *reading = read_from(before);
    ck_assert(!reading->live);
    expect_live(&reading->process, 100, 1);

    struct tm_reader *now = open_pid(child), *by_file = open_file(find_file(publish_directory));
    reading = read_from(now);
    ck_assert(reading->live);
    ck_assert_int_eq(reading->pid, child);
    expect_live(&reading->process, 61, 1);
    ck_assert(read_from(by_file)->live);
    /* An end as it should be, which the file says. */
    ck_assert_int_eq(write(in[1], "", 1), 1);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    reading = read_from(now);
    ck_assert(!reading->live && reading->ended);
    expect_live(&reading->process, 61, 1);
    ck_assert(read_from(by_file)->ended && !read_from(before)->ended);
    tm_reader_close(before);
    tm_reader_close(now);
    tm_reader_close(by_file);
}
END_TEST

static void own_then_sleep(void)
{
    kept[0] = tm_malloc(100);
    tell_parent();
    wait_for_parent();
    become_this("/bin/cat", NULL, in[0], out[1]);
}

START_TEST(one_that_becomes_another_that_does_not)
{
    make_channels();
    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    pid_t child = start_child(own_then_sleep);
    wait_for_child();
    struct tm_reader *reader = open_pid(child);
    ck_assert(read_from(reader)->live);
    tell_child();
    ck_assert_int_eq(write(in[1], "x", 1), 1);
    expect_a_word(out[0]); /* so it is cat by now */
    ck_assert(!read_from(reader)->live);
    expect_live(&read_from(reader)->process, 100, 1);
    tm_reader_close(reader);
    expect_no_reader(child, -ENOENT, PUBLISHES_NOTHING);
    reader = open_file(find_file(publish_directory));
    ck_assert(!read_from(reader)->live);
    tm_reader_close(reader);
    kill_child(child);
}
END_TEST

/* ---- the file is of another process ---- */

/* As if its number were used again: by a process that publishes something else. */
START_TEST(a_number_that_is_anothers_now)
{
    make_channels();
    pid_t child = start_child(own_with_a_worker);
    wait_for_child();
    kill_child(child);
    const char *path = find_file(publish_directory);
    pid_t mine = getpid();
    kept[0] = tm_malloc(1);
    for (int i = 0; i < 2; i++) {
        int fd = open(path, O_RDWR);
        ck_assert_int_eq(pwrite(fd, &mine, sizeof mine, offsetof(struct tm__head, pid)), sizeof mine);
        close(fd);
        struct tm_reader *reader = open_file(path);
        const struct tm_reading *reading = read_from(reader);
        ck_assert(!reading->live);
        ck_assert_int_eq(reading->pid, mine);
        expect_worker(reading);
        tm_reader_close(reader);
        mine = i == 0 ? -1 : mine;
    }
}
END_TEST

static __attribute__((noreturn)) void tell_number_and_wait(void)
{
    pid_t mine = getpid();
    if (write(out[1], &mine, sizeof mine) != sizeof mine)
        _exit(1);
    wait_for_parent();
    _exit(0);
}

static void vfork_and_wait(void)
{
    kept[0] = tm_malloc(100);
    if (vfork() == 0)
        tell_number_and_wait();
    for (;;)
        pause();
}

/* Until it is another program it has all that its parent has. */
START_TEST(a_child_of_vfork_does_not_publish)
{
    make_channels();
    ck_assert_int_eq(pipe(out), 0);
    pid_t child = start_child(vfork_and_wait), grandchild;
    ck_assert_int_eq(read(out[0], &grandchild, sizeof grandchild), sizeof grandchild);
    expect_no_reader(grandchild, -ENOENT, PUBLISHES_NOTHING);
    struct tm_reader *reader = open_pid(child);
    ck_assert(read_from(reader)->live);
    tm_reader_close(reader);
    tell_child();
    kill_child(child);
}
END_TEST

static bool is_zombie(pid_t pid)
{
    char path[64], text[1024] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY);
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    const char *state = got > 0 ? strrchr(text, ')') : NULL;
    return state && state[2] == 'Z';
}

/* What the kernel says of the process by its number is nothing from then on. */
START_TEST(one_whose_first_thread_has_ended)
{
    make_channels();
    pid_t child = start_child(own_and_leave_a_worker);
    wait_for_child();
    struct tm_reader *before = open_pid(child);
    while (!is_zombie(child))
        sched_yield();
    struct tm_reader *reader = open_pid(child), *by_file = open_file(find_file(publish_directory));
    ck_assert(read_from(before)->live);
    ck_assert(read_from(by_file)->live);
    const struct tm_reading *reading = read_from(reader);
    ck_assert(reading->live);
    expect_worker(reading);
    ck_assert_int_eq(reading->threads[1].state, TM_ORPHAN);
    kill_child(child);
    ck_assert(!read_from(before)->live);
    ck_assert(!read_from(reader)->live);
    tm_reader_close(before);
    tm_reader_close(reader);
    tm_reader_close(by_file);
}
END_TEST

START_TEST(a_thread_stands_for_its_process)
{
    make_channels();
    pid_t child = start_child(own_with_a_worker);
    wait_for_child();
    struct tm_reader *reader = open_pid(child);
    pid_t worker = thread_named(read_from(reader), "worker")->tid;
    tm_reader_close(reader);
    ck_assert_int_ne(worker, child);
    reader = open_pid(worker);
    const struct tm_reading *reading = read_from(reader);
    ck_assert(reading->live);
    ck_assert_int_eq(reading->pid, child);
    expect_worker(reading);
    tm_reader_close(reader);
    kill_child(child);
}
END_TEST

START_TEST(a_process_that_is_none_or_publishes_nothing)
{
    expect_no_reader(0, -ESRCH, "there is no process %d");
    expect_no_reader(-1, -ESRCH, "there is no process %d");
    expect_no_reader(INT32_MAX, -ESRCH, "there is no process %d");
    expect_no_reader(getpid(), -ENOENT, PUBLISHES_NOTHING);
    kept[0] = tm_malloc(10);
    tm_reader_close(open_pid(getpid()));
    tm_reader_close(NULL);
}
END_TEST

static int own_until_told(void)
{
    char byte;
    kept[0] = tm_malloc(61);
    if (write(STDOUT_FILENO, "", 1) != 1 || read(STDIN_FILENO, &byte, 1) < 0)
        return 1;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return own_until_told();
    setenv("CHECK_READER_LIFE", argv[0], 1);
    signal(SIGPIPE, SIG_IGN);
    Suite *suite = suite_create("reader_life");
    TCase *tcase = add_publishing_case(suite, "life", 60);
    tcase_add_test(tcase, one_that_is_killed_left_all);
    tcase_add_loop_test(tcase, one_that_is_killed_in_a_storm, 0, 10);
    tcase_add_test(tcase, one_that_becomes_another_that_publishes);
    tcase_add_test(tcase, one_that_becomes_another_that_does_not);
    tcase_add_test(tcase, a_number_that_is_anothers_now);
    tcase_add_test(tcase, a_process_that_is_none_or_publishes_nothing);
    tcase_add_test(tcase, a_thread_stands_for_its_process);
    if (!SANITIZED) { /* which know no vfork, nor the end of the first thread */
        tcase_add_test(tcase, a_child_of_vfork_does_not_publish);
        tcase_add_test(tcase, one_whose_first_thread_has_ended);
    }
    return run_suite(suite);
}
