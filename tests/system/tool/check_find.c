/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/common/find.c: which files and processes a search opens, in which order, and when it ends. Processes are not
 * opened here: tm_reader_open_pid() below records the order.
 */
#include "searched.h"
#include "common/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void raise_signal(void)
{
    raise(search.most_names == 1000 ? SIGHUP : search.most_names == 1001 ? SIGINT : SIGTERM);
}

/* The signal is blocked and stays pending, as in a command that uses sigwait(). */
START_TEST(a_signal_ends_a_search)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    publish_some(5);
    search.most_names = 1000 + (size_t)_i;
    at_visit = raise_signal;
    look();
    ck_assert_int_eq(visits, 1);
    ck_assert_uint_ge(search.left_out, 1);
    look();
    ck_assert_int_eq(visits, 0);
}
END_TEST

static void run_out_of_time(void)
{
    search.until_ns = 1;
}

START_TEST(a_search_ends_in_time)
{
    publish_some(5);
    search.until_ns = tool_in(3600);
    look();
    ck_assert_int_eq(visits, 5);
    ck_assert_uint_eq(search.left_out, 0);
    at_visit = run_out_of_time;
    look();
    ck_assert_int_eq(visits, 1);
    ck_assert_uint_ge(search.left_out, 1);
}
END_TEST

START_TEST(of_many_names_some_are_left_out)
{
    publish_some(7);
    search.most_names = 4;
    look();
    ck_assert_int_eq(visits, 4);
    ck_assert_uint_eq(search.left_out, 3);
    search.most_names = 0;
    look();
    ck_assert_int_eq(visits, 7);
    ck_assert_uint_eq(search.left_out, 0);
}
END_TEST

START_TEST(each_file_is_visited_once)
{
    enum { FILES = 500 };
    char one[256], other[256];
    publish_some(FILES);
    for (int i = 0; i < FILES; i++) {
        snprintf(one, sizeof one, "%s/%d-1.tm", directory, i + 1);
        snprintf(other, sizeof other, "%s/again-%d.tm", directory, i + 1);
        ck_assert_int_eq(link(one, other), 0);
    }
    look();
    ck_assert_int_eq(visits, FILES);
}
END_TEST

/* Begins to record which files in the directory are opened. */
static int watch_opens(void)
{
    int opens = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    ck_assert_int_ge(inotify_add_watch(opens, directory, IN_OPEN), 0);
    return opens;
}

/* Whether a file was opened whose name has this end. */
static bool was_opened(int opens, const char *end)
{
    alignas(struct inotify_event) char events[8192];
    bool was = false;
    for (ssize_t got; (got = read(opens, events, sizeof events)) > 0;)
        for (ssize_t at = 0; at < got;) {
            const struct inotify_event *event = (const void *)&events[at];
            const char *name = event->len > 0 ? event->name : "";
            was |= strlen(name) >= strlen(end) && strcmp(name + strlen(name) - strlen(end), end) == 0;
            at += (ssize_t)(sizeof *event + event->len);
        }
    close(opens);
    return was;
}

/* Pipes, links and devices are not opened, because that could block, or have an effect. */
START_TEST(only_files_are_opened)
{
    char path[256], name[300];
    publish(directory, "elsewhere", path);
    snprintf(name, sizeof name, "%s/pipe.tm", directory);
    ck_assert_int_eq(mkfifo(name, 0600), 0);
    snprintf(name, sizeof name, "%s/link.tm", directory);
    ck_assert_int_eq(symlink(path, name), 0);
    snprintf(name, sizeof name, "%s/device.tm", directory);
    ck_assert(mknod(name, S_IFCHR | 0600, 0) == 0 || errno == EPERM);
    int opens = watch_opens();
    look();
    ck_assert_int_eq(visits, 0);
    ck_assert(!was_opened(opens, ".tm"));
}
END_TEST

/* ---- other users ---- */

START_TEST(files_of_others_are_left_alone)
{
    char path[256];
    publish_some(3);
    publish(directory, "theirs.tm", path);
    ck_assert_int_eq(chown(path, NOBODY, NOBODY), 0);
    int opens = watch_opens();
    look();
    ck_assert_int_eq(visits, 3);
    ck_assert_uint_eq(search.others, 1);
    ck_assert(!was_opened(opens, "theirs.tm"));
    search.all_users = true;
    look();
    ck_assert_int_eq(visits, 4);
    ck_assert_uint_eq(search.others, 0);
}
END_TEST

/* The processes that the search would open, in that order. */
enum { MOST_OPENED = 100000 };
static pid_t opened[MOST_OPENED];
static int opened_count;

int tm_reader_open_pid(pid_t pid, struct tm_reader **reader, char message[TM_READER_MESSAGE])
{
    (void)reader, (void)message;
    if (opened_count < MOST_OPENED)
        opened[opened_count++] = pid;
    return -ENOENT;
}

/* The place of a process in that order, from 1; 0 if it is not opened. */
static int turn_of(pid_t pid)
{
    for (int i = 0; i < opened_count; i++)
        if (opened[i] == pid)
            return i + 1;
    return 0;
}

static pid_t children[8];
static int child_count;

static pid_t start_as(uid_t user, bool dumpable)
{
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        if (setuid(user) != 0 || prctl(PR_SET_DUMPABLE, dumpable) != 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return children[child_count++] = child;
}

static void end_children(void)
{
    for (int i = 0; i < child_count; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    remove_directory();
}

static void look_everywhere(void)
{
    /* So no other directory of this machine is searched. */
    setenv("THREADMETER_PUBLISH", directory, 1);
    search.directory = NULL;
    search.visit = visit;
    opened_count = 0;
    ck_assert(tool_each_process(&search));
}

/* Otherwise a user who fills a directory that all may write to could hide the files of the caller's processes. */
START_TEST(files_of_others_take_no_places)
{
    enum { OWN = 5, THEIRS = 50 };
    char path[256], name[32];
    for (int i = 0; i < THEIRS; i++) {
        if (i == THEIRS / 2)
            publish_some(OWN);
        snprintf(name, sizeof name, "theirs-%d.tm", i);
        publish(directory, name, path);
        ck_assert_int_eq(chown(path, NOBODY, NOBODY), 0);
    }
    search.most_names = OWN;
    look();
    ck_assert_int_eq(visits, OWN);
    ck_assert_uint_eq(search.left_out, 0);
    ck_assert_uint_eq(search.others, THEIRS);
    search.all_users = true;
    look();
    ck_assert_int_eq(visits, OWN);
    ck_assert_uint_eq(search.left_out, THEIRS);
}
END_TEST

START_TEST(processes_of_others_are_left_alone)
{
    pid_t theirs = start_as(NOBODY, true), hidden = start_as(NOBODY, false), own = start_as(0, true);
    look_everywhere();
    ck_assert_int_gt(turn_of(own), 0);
    ck_assert_int_eq(turn_of(theirs), 0);
    ck_assert_int_eq(turn_of(hidden), 0);
}
END_TEST

START_TEST(users_take_turns)
{
    pid_t many[4], own, other;
    for (int i = 0; i < 4; i++)
        many[i] = start_as(SOMEBODY, i % 2);
    other = start_as(SOMEBODY_ELSE, true);
    own = start_as(0, true);
    search.all_users = true;
    look_everywhere();
    ck_assert_int_gt(turn_of(own), 0);
    ck_assert_int_gt(turn_of(other), turn_of(own));
    for (int i = 0; i < 4; i++)
        ck_assert_int_gt(turn_of(many[i]), i == 0 ? turn_of(own) : turn_of(many[i - 1]));
    ck_assert_int_gt(turn_of(many[1]), turn_of(other));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, a_signal_ends_a_search, 0, 3);
    tcase_add_test(tcase, a_search_ends_in_time);
    tcase_add_test(tcase, of_many_names_some_are_left_out);
    tcase_add_test(tcase, each_file_is_visited_once);
    tcase_add_test(tcase, only_files_are_opened);
}

static void add_rooted(TCase *tcase)
{
    tcase_add_test(tcase, files_of_others_are_left_alone);
    tcase_add_test(tcase, files_of_others_take_no_places);
    tcase_add_test(tcase, processes_of_others_are_left_alone);
    tcase_add_test(tcase, users_take_turns);
}

int main(void)
{
    return run_as_it_may("find", add, add_rooted, end_children);
}
