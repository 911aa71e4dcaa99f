/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * On which file systems a process publishes. Their numbers in the kernel are listed here a second time, from
 * linux/magic.h and from their own sources. The linker puts fstatfs in front.
 */
#define _GNU_SOURCE
#include "support/published.h"

#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

static long file_system; /* that all directories are said to be on; 0: what the kernel says. -1: it does not */

int __real_tm__sys_fstatfs(int fd, struct statfs *of);
int __wrap_tm__sys_fstatfs(int fd, struct statfs *of);
int __wrap_tm__sys_fstatfs(int fd, struct statfs *of)
{
    int result = file_system == -1 ? -ENOSYS : __real_tm__sys_fstatfs(fd, of);
    if (file_system > 0)
        of->f_type = file_system;
    return result;
}

static const struct {
    const char *name;
    long magic;
} refused[] =
    {
        {"btrfs", 0x9123683E}, {"bcachefs", 0xca451a4e}, {"zfs", 0x2fc12fc1},
        {"nilfs", 0x3434},     {"f2fs", 0xF2F52010},     {"ubifs", 0x24051905},
},
  taken[] = {
      {"ext4", 0xEF53}, {"xfs", 0x58465342}, {"tmpfs", 0x01021994}, {"overlayfs", 0x794c7630}, {"not known", -1},
};

#define WHY                                                                                                            \
    "its file system does not keep room for what is changed, and on a full disk the program would be killed; use a "   \
    "tmpfs, as /dev/shm or /run are"

static void child_is_refused(void)
{
    int said = stderr_now();
    file_system = refused[0].magic; /* another one is mounted there by now, say */
    in_child(expect_invariant);
    expect_said(said, NULL);
    expect_process_live(1500, 2);
    exit(0);
}

START_TEST(where_room_is_not_kept_nothing_is_published)
{
    char name[256];
    int said = stderr_now();
    file_system = refused[_i].magic;
    allocate();
    expect_said(said, WHY);
    ck_assert_int_eq(count_files(name), 0);
    void *more = tm_malloc(500);
    expect_process_live(1500, 2);
    in_child(expect_invariant);
    expect_said(said, WHY);
    ck_assert_int_eq(count_files(name), 0);
    tm_free(more);
}
END_TEST

/* An overlay, whatever file systems it is made of; and where the kernel does not say. */
START_TEST(elsewhere_it_is)
{
    char name[256];
    int said = stderr_now();
    file_system = taken[_i].magic;
    allocate();
    char nothing;
    ck_assert_int_eq(pread(said, &nothing, 1, 0), 0);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1000);
}
END_TEST

START_TEST(a_forks_child_is_asked_again)
{
    char name[256];
    allocate();
    void *more = tm_malloc(500);
    in_child(child_is_refused);
    ck_assert_int_eq(count_files(name), 1);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1500);
    tm_free(more);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("publish_disk");
    TCase *tcase = add_case(suite, "publish_disk", 30);
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_loop_test(tcase, where_room_is_not_kept_nothing_is_published, 0, sizeof refused / sizeof refused[0]);
    tcase_add_loop_test(tcase, elsewhere_it_is, 0, sizeof taken / sizeof taken[0]);
    tcase_add_test(tcase, a_forks_child_is_asked_again);
    return run_suite(suite);
}
