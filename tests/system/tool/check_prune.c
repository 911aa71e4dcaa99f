/* SPDX-License-Identifier: BSD-3-Clause */
/* tools/common/prune.c: which files a search removes, whatever other processes do at the same time. */
#include "searched.h"
#include "support/small_file.h"
#include "common/prune.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char victim[256];
static bool removed;
static int error_of_removal;

static void remove_it(void)
{
    ck_assert_ptr_nonnull(search.place);
    error_of_removal = tool_remove(search.place);
    removed = error_of_removal == 0;
}

START_TEST(what_is_left_is_removed)
{
    char path[256];
    publish(directory, "1-1.tm", path);
    at_visit = remove_it;
    look();
    ck_assert_int_eq(visits, 1);
    ck_assert(removed && !is_there(path));
}
END_TEST

/* After the search opened the file and before it removes it, a link to another directory replaces the directory. */
static void swap_directory(void)
{
    char other[128];
    snprintf(other, sizeof other, "%s.other", directory);
    ck_assert_int_eq(rename(directory, moved), 0);
    ck_assert_int_eq(mkdir(other, 0700), 0);
    ck_assert_int_eq(symlink(other, directory), 0);
    publish(other, "1-1.tm", victim);
    remove_it();
}

START_TEST(a_directory_that_is_swapped)
{
    char path[256], other[128];
    publish(directory, "1-1.tm", path);
    at_visit = swap_directory;
    look();
    ck_assert(removed);
    ck_assert(is_there(victim));
    snprintf(path, sizeof path, "%s/1-1.tm", moved);
    ck_assert(!is_there(path));
    search.prune = true;
    search.directory = directory;
    ck_assert(!tool_each_process(&search)); /* the link is not followed */
    ck_assert(is_there(victim));
    snprintf(other, sizeof other, "%s.other", directory);
    empty(other);
}
END_TEST

static void swap_file(void)
{
    snprintf(victim, sizeof victim, "%s/1-1.tm", directory);
    unlink(victim);
    publish(directory, "1-1.tm", victim);
    remove_it();
}

START_TEST(a_file_that_is_swapped)
{
    char path[256], keep[256];
    publish(directory, "1-1.tm", path);
    snprintf(keep, sizeof keep, "%s/kept", directory); /* a link, so that the inode's number is not reused */
    ck_assert_int_eq(link(path, keep), 0);
    at_visit = swap_file;
    look();
    ck_assert(!removed && is_there(victim));
}
END_TEST

START_TEST(in_foreign_directories_nothing_is_removed)
{
    char path[256];
    publish(directory, "1-1.tm", path);
    at_visit = remove_it;
    ck_assert_int_eq(chmod(directory, 0777), 0);
    look();
    ck_assert(!removed && error_of_removal == -EPERM && !search.failed);
    search.prune = true;
    look();
    ck_assert(!removed && search.failed);
    search.failed = false;
    if (geteuid() == 0) {
        ck_assert_int_eq(chmod(directory, 0700), 0);
        ck_assert_int_eq(chown(directory, NOBODY, NOBODY), 0);
        look();
        ck_assert(!removed && search.failed);
        search.failed = false;
        ck_assert_int_eq(chown(directory, 0, 0), 0);
    }
    ck_assert_int_eq(chmod(directory, 01777), 0);
    look();
    ck_assert(removed && !search.failed);
}
END_TEST

START_TEST(files_of_others_are_not_removed)
{
    char path[256];
    publish(directory, "1-1.tm", path);
    ck_assert_int_eq(chown(path, NOBODY, NOBODY), 0);
    search.all_users = true;
    at_visit = remove_it;
    look();
    ck_assert_int_eq(visits, 1);
    ck_assert(!removed && is_there(path));
}
END_TEST

/* No process has the number of either file, but one could be in a pid namespace of its own: it holds a lock. */
START_TEST(locked_temporary_files_are_kept)
{
    char left[256], begun[256];
    publish(directory, "2147483647-1.new1", left);
    publish(directory, "2147483647-2.new1", begun);
    int file = open(begun, O_RDWR);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    ck_assert_int_eq(fcntl(file, F_OFD_SETLK, &whole), 0);
    look();
    ck_assert(is_there(left) && is_there(begun));
    search.prune = true;
    int out = dup(STDOUT_FILENO);
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout)); /* what the search prints must not get into TAP */
    look();
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    ck_assert_int_eq(visits, 0);
    ck_assert(!is_there(left) && is_there(begun));
    close(file);
}
END_TEST

/* Without a lock it is unknown whether the process is alive. */
START_TEST(files_of_unknown_processes_are_kept)
{
    char path[256];
    uint32_t none = 0;
    publish(directory, "1-1.tm", path);
    int file = open(path, O_RDWR);
    ck_assert_int_eq(pwrite(file, &none, sizeof none, offsetof(struct tm__head, locked)), sizeof none);
    close(file);
    at_visit = remove_it;
    look();
    ck_assert_int_eq(visits, 1);
    ck_assert(!removed && is_there(path));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, what_is_left_is_removed);
    tcase_add_test(tcase, a_directory_that_is_swapped);
    tcase_add_test(tcase, a_file_that_is_swapped);
    tcase_add_test(tcase, in_foreign_directories_nothing_is_removed);
    tcase_add_test(tcase, locked_temporary_files_are_kept);
    tcase_add_test(tcase, files_of_unknown_processes_are_kept);
}

static void add_rooted(TCase *tcase)
{
    tcase_add_test(tcase, files_of_others_are_not_removed);
}

int main(void)
{
    return run_as_it_may("prune", add, add_rooted, remove_directory);
}
