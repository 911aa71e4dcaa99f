/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * THREADMETER_PUBLISH, in the process that publishes: when it has a file, and for how long. What is in the file is for
 * check_reader.c. Each test is a process of its own, which has not allocated yet.
 */
#define _GNU_SOURCE
#include "support/published.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(there_is_a_file_from_the_first_block_on)
{
    char name[256], expected[64];
    umask(0);
    ck_assert_int_eq(count_files(name), 0);
    allocate();
    ck_assert_int_eq(count_files(name), 1);
    snprintf(expected, sizeof expected, "%d-", (int)getpid());
    ck_assert_msg(strncmp(name, expected, strlen(expected)) == 0, "%s", name);
    ck_assert_str_eq(name + strlen(name) - 3, ".tm");

    struct stat file;
    char path[400];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_uint_eq(file.st_mode & 07777, 0600);
    ck_assert_uint_lt((uint64_t)file.st_blocks * 512, 64 * 1024); /* the part of its 67 MB that is used */

    const struct tm__region *region = map_file_of(getpid());
    ck_assert_str_eq(region->head.magic, TM__MAGIC);
    ck_assert_uint_eq(region->head.layout, TM__LAYOUT);
    ck_assert_uint_eq(region->head.size, (uint64_t)file.st_size);
    ck_assert_int_eq(region->head.pid, getpid());
    ck_assert_int_eq(region->head.parent, 0);
    ck_assert_str_eq(region->head.program, "check_publish");
    ck_assert_uint_eq(live_in(region), 1000);
    void *more = tm_malloc(500);
    ck_assert_uint_eq(live_in(region), 1500);
    tm_free(more);
    ck_assert_uint_eq(live_in(region), 1000);
}
END_TEST

START_TEST(without_the_option_there_is_none)
{
    char name[256];
    unsetenv("THREADMETER_PUBLISH");
    allocate();
    ck_assert_int_eq(count_files(name), 0);
}
END_TEST

static void allocate_and_exit(void)
{
    allocate();
    if (chdir("/") != 0)
        _exit(1);
    exit(0);
}

static void allocate_and_be_killed(void)
{
    allocate();
    raise(SIGKILL);
}

static void allocate_and_leave(void)
{
    allocate();
    _exit(0);
}

static void allocate_and_exit_quickly(void)
{
    allocate();
    quick_exit(0);
}

START_TEST(a_clean_end_is_said_in_it)
{
    char name[256];
    pid_t child = start(_i == 0 ? allocate_and_exit : allocate_and_exit_quickly);
    ck_assert_int_eq(end_of(child), 0);
    ck_assert_uint_eq(map_file_of(child)->head.ended, 1);
    ck_assert_uint_eq(live_in(map_file_of(child)), 1000); /* it is not touched otherwise */
    ck_assert_int_eq(count_files(name), 0);
}
END_TEST

/* A child without fork handlers shares the file with its parent, and must not write there that the parent ended. */
static void exit_in_untold_child(void)
{
    allocate();
    pid_t child = _Fork();
    if (child == 0)
        exit(0);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    raise(SIGKILL);
}

START_TEST(a_child_that_shares_it_says_nothing)
{
    pid_t child = start(exit_in_untold_child);
    ck_assert_int_eq(end_of(child), SIGKILL);
    ck_assert_uint_eq(map_file_of(child)->head.ended, 0);
}
END_TEST

/* No process lists the directory; some of those that begin remove the files of those that have ended. */
START_TEST(leftovers_do_not_pile_up)
{
    enum { MOST = 400 };
    int starts = 0, left = 0;
    for (; starts < MOST; starts++) {
        ck_assert_int_eq(end_of(start(allocate_and_exit)), 0);
        left = 0;
        DIR *files = opendir(directory);
        for (struct dirent *entry; (entry = readdir(files));)
            left += entry->d_name[0] != '.';
        closedir(files);
        if (left < starts + 1) /* a process that began removed all files but its own */
            break;
    }
    ck_assert_int_lt(starts, MOST); /* a chance of 7 in 8 each, 400 times */
    ck_assert_int_eq(left, 1);
}
END_TEST

START_TEST(a_relative_directory_is_where_the_program_began)
{
    char name[256];
    ck_assert_int_eq(chdir("/dev/shm"), 0);
    setenv("THREADMETER_PUBLISH", strrchr(directory, '/') + 1, 1);
    ck_assert_int_eq(end_of(start(allocate_and_be_killed)), SIGKILL);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_int_eq(end_of(start(allocate_and_exit)), 0);
    ck_assert_int_eq(count_files(name), 1);
}
END_TEST

START_TEST(a_crash_leaves_it)
{
    pid_t child = start(allocate_and_be_killed);
    ck_assert_int_eq(end_of(child), SIGKILL);
    ck_assert_uint_eq(live_in(map_file_of(child)), 1000);
    child = start(allocate_and_leave);
    ck_assert_int_eq(end_of(child), 0);
    ck_assert_uint_eq(live_in(map_file_of(child)), 1000);
}
END_TEST

static pthread_barrier_t gate;

static void *allocate_at_once(void *unused)
{
    pthread_barrier_wait(&gate);
    allocate();
    return unused;
}

static void first_blocks_at_once(void)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    char name[256];
    pthread_barrier_init(&gate, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, allocate_at_once, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1000 * THREADS);
    exit(0);
}

START_TEST(threads_that_come_first_at_once_make_one_file)
{
    char name[256];
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(end_of(start(first_blocks_at_once)), 0);
        ck_assert_int_eq(count_files(name), 0);
    }
}
END_TEST

static void *allocate_cancelled(void *done)
{
    pthread_cancel(pthread_self());
    allocate();
    *(bool *)done = true;
    return NULL;
}

START_TEST(a_cancelled_thread_makes_it_and_lives_on)
{
    char name[256];
    bool done = false;
    in_thread(allocate_cancelled, &done);
    ck_assert(done);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1000);
}
END_TEST

static const char *me; /* as it was called */

static void become_another(void)
{
    allocate();
    become((const char *const[]){me, "allocate", NULL});
}

START_TEST(another_program_in_the_same_process_takes_its_place)
{
    char name[256];
    pid_t child = start(become_another);
    ck_assert_int_eq(end_of(child), SIGKILL);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(map_file_of(child)), 77);
}
END_TEST

/* ---- forks ---- */

static int pipe_to_child[2], pipe_to_parent[2];

static void tell(const int ends[2])
{
    ck_assert_int_eq(write(ends[1], "", 1), 1);
}

static void wait_for(const int ends[2])
{
    char byte;
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
}

static void *inherited;

static void child_works(void)
{
    tm_free(inherited);
    void *volatile more = tm_malloc(30);
    (void)more;
    tell(pipe_to_parent);
    wait_for(pipe_to_child);
    exit(0);
}

START_TEST(a_forks_child_has_a_file_of_its_own)
{
    char name[256];
    ck_assert_int_eq(pipe(pipe_to_child), 0);
    ck_assert_int_eq(pipe(pipe_to_parent), 0);
    allocate();
    inherited = tm_malloc(200);
    const struct tm__region *mine = map_file_of(getpid());
    pid_t child = start(child_works);
    wait_for(pipe_to_parent);
    void *volatile more = tm_malloc(5);
    const struct tm__region *its = map_file_of(child);
    ck_assert_uint_eq(live_in(mine), 1205);
    ck_assert_uint_eq(live_in(its), 1030);
    ck_assert_int_eq(its->head.pid, child);
    ck_assert_int_eq(its->head.parent, getpid());
    ck_assert_int_eq(count_files(name), 2);
    tell(pipe_to_child);
    ck_assert_int_eq(end_of(child), 0);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(mine), 1205);
    expect_process_live(1205, 3);
    tm_free(more);
}
END_TEST

static void child_without_a_file(void)
{
    tm_free(inherited);
    void *volatile more = tm_malloc(30);
    expect_process_live(1030, 2);
    sums_balance();
    inherited = tm_malloc(10);
    in_child(child_works); /* of a child that is not published */
    tm_free(inherited);
    tm_free(more);
    exit(0);
}

START_TEST(a_child_that_cannot_publish_has_region_of_its_own_still)
{
    ck_assert_int_eq(pipe(pipe_to_child), 0);
    ck_assert_int_eq(pipe(pipe_to_parent), 0);
    int said = stderr_now();
    allocate();
    inherited = tm_malloc(200);
    char moved[80];
    snprintf(moved, sizeof moved, "%s.moved", directory);
    ck_assert_int_eq(rename(directory, moved), 0);
    tell(pipe_to_child);
    pid_t child = start(child_without_a_file);
    ck_assert_int_eq(end_of(child), 0);
    ck_assert_int_eq(rename(moved, directory), 0);
    expect_said(said, NULL); /* a child's fd 2 may be any file */
    expect_process_live(1200, 2);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1200);
}
END_TEST

static int allocate_in_its_place(void *unused)
{
    (void)unused;
    allocate();
    return 0;
}

static void *let_a_child_allocate(void *unused)
{
    static char stack[1 << 16] __attribute__((aligned(16)));
    int status;
    pid_t child = clone(allocate_in_its_place, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    if (waitpid(child, &status, 0) != child || status != 0)
        ck_abort_msg("no child");
    return unused;
}

/* Its pid is in the file's name, and readers look for the process that has it mapped. By any thread. */
START_TEST(the_file_is_the_processs_not_its_vfork_childs)
{
    char name[256], expected[64];
    if (_i == 0)
        let_a_child_allocate(NULL);
    else
        in_thread(let_a_child_allocate, NULL);
    ck_assert_int_eq(count_files(name), 1);
    snprintf(expected, sizeof expected, "%d-", (int)getpid());
    ck_assert_msg(strncmp(name, expected, strlen(expected)) == 0, "%s", name);
    ck_assert_int_eq(map_file_of(getpid())->head.pid, getpid());
}
END_TEST

int main(int argc, char **argv)
{
    me = argv[0];
    if (argc > 1 && strcmp(argv[1], "allocate") == 0) {
        void *volatile block = tm_malloc(77);
        raise(SIGKILL);
        tm_free(block);
    }
    Suite *suite = suite_create("publish");
    TCase *tcase = add_case(suite, "publish", 60);
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_test(tcase, there_is_a_file_from_the_first_block_on);
    tcase_add_test(tcase, without_the_option_there_is_none);
    tcase_add_loop_test(tcase, a_clean_end_is_said_in_it, 0, 2);
    tcase_add_test(tcase, a_child_that_shares_it_says_nothing);
    tcase_add_test(tcase, leftovers_do_not_pile_up);
    tcase_add_test(tcase, a_relative_directory_is_where_the_program_began);
    tcase_add_test(tcase, a_crash_leaves_it);
    tcase_add_test(tcase, threads_that_come_first_at_once_make_one_file);
    tcase_add_test(tcase, a_cancelled_thread_makes_it_and_lives_on);
    tcase_add_test(tcase, another_program_in_the_same_process_takes_its_place);
    tcase_add_test(tcase, a_forks_child_has_a_file_of_its_own);
    tcase_add_test(tcase, a_child_that_cannot_publish_has_region_of_its_own_still);
    if (!SANITIZED && !is_left_out("children of vfork", VFORK_IS_FORK))
        tcase_add_loop_test(tcase, the_file_is_the_processs_not_its_vfork_childs, 0, 2);
    return run_suite(suite);
}
