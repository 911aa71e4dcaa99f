/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threadmeter/reader.h: files on overlays, where locks do not show whether a process lives, and device numbers not which
 * file it is. A test that is not permitted here is left out, and the output says so.
 */
#define _GNU_SOURCE
#include "support/elsewhere.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static pid_t watched;

static void make_overlay(void)
{
    static const char *const parts[] = {"lower", "upper", "work", "merged"};
    char path[200], options[400];
    unmount_from_others();
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", publish_directory, parts[i]);
        step(mkdir(path, 0700) == 0, path);
    }
    snprintf(options, sizeof options, "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", publish_directory,
             publish_directory, publish_directory);
    step(mount("overlay", path, "overlay", 0, options) == 0, "an overlay");
    setenv("THREADMETER_PUBLISH", path, 1);
}

static void look_at_what_is_not_locked(void)
{
    enter_pid_namespace();
    expect_life_of_file(UNKNOWN);
}

static void publish_in_an_overlay(void)
{
    make_overlay();
    make_channels();
    watched = start_child(own_with_a_worker);
    wait_for_child();
    struct tm_reader *by_pid = open_pid(watched);
    ck_assert_int_eq(life_in(read_from(by_pid)), LIVES);
    ck_assert_int_eq(read_from(by_pid)->pid, watched);
    expect_life_of_file(LIVES);
    ck_assert(run_or_leave_out(look_at_what_is_not_locked));
    kill_child(watched);
    ck_assert_int_eq(life_in(read_from(by_pid)), CRASHED); /* which /proc showed */
    expect_life_of_file(UNKNOWN);
    tm_reader_close(by_pid);
}

START_TEST(one_on_an_overlay)
{
    run_or_leave_out(publish_in_an_overlay);
}
END_TEST

static void create_some(const char *directory, int count)
{
    char path[300];
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%d", directory, i);
        close(open(path, O_WRONLY | O_CREAT, 0600));
    }
}

/* A file of that inode number, on another file system; -1: it has passed that already. */
static int create_with_number(const char *directory, ino_t wanted, char path[300])
{
    struct stat file = {.st_ino = 0};
    for (int i = 0; file.st_ino < wanted; i++) {
        snprintf(path, 300, "%s/%d.tm", directory, i);
        int fd = open(path, O_RDWR | O_CREAT, 0600);
        ck_assert_int_eq(fstat(fd, &file), 0);
        if (file.st_ino == wanted)
            return fd;
        close(fd);
    }
    return -1;
}

/* Claims to be of the process that publishes beside it, whose file has the same inode number on another file system. */
static void pass_for_another_by_an_overlay(void)
{
    static char bytes[1 << 20];
    char plain[200], path[300];
    const char *overlay;
    struct stat file;
    make_overlay();
    overlay = strdup(getenv("THREADMETER_PUBLISH"));
    snprintf(plain, sizeof plain, "%s/plain", publish_directory);
    step(mkdir(plain, 0700) == 0 && mount("tmpfs", plain, "tmpfs", 0, NULL) == 0, plain);
    create_some(plain, 200);
    setenv("THREADMETER_PUBLISH", plain, 1);
    make_channels();
    watched = start_child(own_with_a_worker);
    wait_for_child();
    int theirs = open(find_file(plain), O_RDONLY);
    ck_assert_int_eq(fstat(theirs, &file), 0);
    int fd = create_with_number(overlay, file.st_ino, path);
    step(fd >= 0, "numbers of inodes that can be foretold");
    ssize_t size = read(theirs, bytes, sizeof bytes);
    ck_assert_int_gt(size, 0);
    ck_assert_int_eq(write(fd, bytes, (size_t)size), size);
    ck_assert_int_eq(ftruncate(fd, file.st_size), 0);
    close(fd);
    close(theirs);
    struct tm_reader *reader = open_file(path);
    ck_assert_int_eq(life_in(read_from(reader)), UNKNOWN);
    tm_reader_close(reader);
    reader = open_file(find_file(plain));
    ck_assert_int_eq(life_in(read_from(reader)), LIVES);
    tm_reader_close(reader);
    kill_child(watched);
}

START_TEST(one_on_an_overlay_that_passes_for_another)
{
    run_or_leave_out(pass_for_another_by_an_overlay);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader_overlay");
    TCase *tcase = add_publishing_case(suite, "overlay", 60);
    tcase_add_test(tcase, one_on_an_overlay);
    tcase_add_test(tcase, one_on_an_overlay_that_passes_for_another);
    return run_suite(suite);
}
