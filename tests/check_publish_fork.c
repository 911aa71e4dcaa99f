/* SPDX-License-Identifier: BSD-3-Clause */
/* publish_fork.c: a fork of a process that publishes, with no memory for the copy. The linker puts mmap in front. */
#define _GNU_SOURCE
#include "publish/published.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int refusals; /* of large mappings that are of no file, from now on */

void *__real_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd);
void *__wrap_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd);
void *__wrap_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd)
{
    if (size >= sizeof(struct tm__books) && fd == -1 && refusals > 0) {
        refusals--;
        return (void *)-ENOMEM;
    }
    return __real_tm__sys_mmap(address, size, protection, flags, fd);
}

static void expect_books_of_its_own(void)
{
    expect_process_live(2000, 2);
    allocate();
    expect_process_live(3000, 3);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 3000);
    ck_assert_uint_eq(live_in(map_file_of(getppid())), 2000);
    sums_balance();
}

START_TEST(the_child_has_memory_where_its_parent_had_none)
{
    allocate();
    tm_free(tm_malloc(500));
    allocate();
    refusals = 1;
    pid_t child = start(expect_books_of_its_own);
    int status = end_of(child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 99); /* it came to the end */
    ck_assert_int_eq(refusals, 0);
    expect_process_live(2000, 2);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 2000);
}
END_TEST

/* Rather than that it writes to its parent's. */
START_TEST(a_child_that_can_have_no_books_says_so_and_ends)
{
    allocate();
    refusals = 2;
    int said = stderr_now();
    pid_t child = start(allocate);
    int status = end_of(child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    char text[200] = "";
    ck_assert_int_ge(pread(said, text, sizeof text - 1, 0), 0);
    const char *line =
        "threadmeter: no memory for the books of a fork's child\n"; /* an emulator has its own behind it */
    ck_assert_msg(strncmp(text, line, strlen(line)) == 0, "said: %s", text);
    expect_process_live(1000, 1);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("publish_fork");
    TCase *tcase = add_case(suite, "publish_fork", 30);
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_test(tcase, the_child_has_memory_where_its_parent_had_none);
    tcase_add_test(tcase, a_child_that_can_have_no_books_says_so_and_ends);
    return run_suite(suite);
}
