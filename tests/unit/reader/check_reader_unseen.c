/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threadmeter/reader.h: a process that runs is never called dead where /proc does not show it, and none is taken for
 * another that has the same numbers. A test that is not permitted here is left out, and the output says so.
 */
#define _GNU_SOURCE
#include "support/elsewhere.h"

#include "state/layout.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t watched;

/* ---- /proc does not show it ---- */

static void become_nobody(void)
{
    if (geteuid() == 0)
        step(setgid(65534) == 0 && setuid(65534) == 0, "another user");
}

static void own_without_being_dumpable(void)
{
    become_nobody();
    prctl(PR_SET_DUMPABLE, 0);
    own_with_a_worker();
}

static void look_as_its_user(void)
{
    char maps[64];
    become_nobody();
    snprintf(maps, sizeof maps, "/proc/%d/maps", (int)watched);
    ck_assert_int_eq(open(maps, O_RDONLY), -1);
    expect_life_of_file(LIVES_UNSEEN);
}

static void look_at_the_dead_as_its_user(void)
{
    become_nobody();
    expect_life_of_file(CRASHED);
}

START_TEST(one_that_is_not_dumpable)
{
    make_channels();
    if (geteuid() == 0)
        ck_assert_int_eq(chown(publish_directory, 65534, 65534), 0);
    watched = start_child(own_without_being_dumpable);
    wait_for_child();
    if (!run_or_leave_out(look_as_its_user))
        return;
    kill_child(watched);
    ck_assert(run_or_leave_out(look_at_the_dead_as_its_user));
}
END_TEST

static void look_from_a_pid_namespace(void)
{
    enter_pid_namespace();
    ck_assert_int_eq(getpid(), 1);
    expect_life_of_file(LIVES_UNSEEN);
}

static void look_at_the_dead_from_a_pid_namespace(void)
{
    enter_pid_namespace();
    expect_life_of_file(CRASHED);
}

START_TEST(one_in_another_pid_namespace)
{
    make_channels();
    watched = start_child(own_with_a_worker);
    wait_for_child();
    if (!run_or_leave_out(look_from_a_pid_namespace))
        return;
    expect_life_of_file(LIVES);
    kill_child(watched);
    ck_assert(run_or_leave_out(look_at_the_dead_from_a_pid_namespace));
    expect_life_of_file(CRASHED);
}
END_TEST

/* ---- others have its numbers ---- */

START_TEST(two_containers_that_are_alike)
{
    pid_t parents[2], numbers[2];
    struct tm_reader *by_pid[2], *by_file[2];
    struct stat files[2];
    make_channels();
    make_number_channel();
    for (int i = 0; i < 2; i++) {
        parents[i] = start_child(own_in_a_container);
        if (!hear_number(parents[i], &numbers[i]))
            return;
        wait_for_child();
        by_pid[i] = open_pid(numbers[i]);
    }
    for (int i = 0; i < 2; i++) {
        char path[100];
        snprintf(path, sizeof path, "/proc/%d/root%s", (int)numbers[i], publish_directory);
        by_file[i] = open_file(find_file(path));
        ck_assert(strstr(found, "/1-") != NULL);
        ck_assert_int_eq(stat(found, &files[i]), 0);
    }
    ck_assert_uint_eq(files[0].st_ino, files[1].st_ino); /* or they are not alike */
    ck_assert_uint_ne(files[0].st_dev, files[1].st_dev);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(read_from(by_pid[i])->pid, numbers[i]);
        ck_assert_int_eq(read_from(by_file[i])->pid, numbers[i]);
        ck_assert_int_eq(life_in(read_from(by_file[i])), LIVES);
        dev_t device;
        ino_t inode;
        tm_reader_file(by_pid[i], &device, &inode);
        ck_assert(device == files[i].st_dev && inode == files[i].st_ino);
    }
    for (int i = 1; i >= 0; i--) {
        kill(numbers[i], SIGKILL);
        kill_child(parents[i]);
        while (read_from(by_file[i])->live)
            sched_yield();
        ck_assert_int_eq(life_in(read_from(by_file[i])), CRASHED);
        ck_assert_int_eq(life_in(read_from(by_pid[i])), CRASHED);
        ck_assert_int_eq(life_in(read_from(by_file[0])), i == 1 ? LIVES : CRASHED);
    }
    for (int i = 0; i < 2; i++) {
        tm_reader_close(by_pid[i]);
        tm_reader_close(by_file[i]);
    }
}
END_TEST

static void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 16];
    struct stat size;
    int in = open(from, O_RDONLY), out = open(to, O_RDWR | O_CREAT | O_EXCL, 0600);
    ck_assert(in >= 0 && out >= 0 && fstat(in, &size) == 0);
    for (off_t at = 0, got; at < size.st_size; at += got) {
        got = pread(in, bytes, sizeof bytes, at);
        ck_assert_int_gt(got, 0);
        if (bytes[0] || memcmp(bytes, bytes + 1, (size_t)got - 1) != 0)
            ck_assert_int_eq(pwrite(out, bytes, (size_t)got, at), got);
    }
    ck_assert_int_eq(ftruncate(out, size.st_size), 0);
    uint32_t not_locked = 0;
    ck_assert_int_eq(pwrite(out, &not_locked, sizeof not_locked, offsetof(struct tm__head, locked)), sizeof not_locked);
    close(in);
    close(out);
}

static void look_at_a_copy(void)
{
    struct stat one, other;
    char path[200], copy[400];
    unmount_from_others();
    make_channels();
    watched = start_child(own_with_a_worker);
    wait_for_child();
    strcpy(path, find_file(publish_directory));
    snprintf(copy, sizeof copy, "%s/other", publish_directory);
    step(mkdir(copy, 0700) == 0 && mount("tmpfs", copy, "tmpfs", 0, NULL) == 0, "a second file system");
    snprintf(copy, sizeof copy, "%s/other/%s", publish_directory, strrchr(path, '/') + 1);
    copy_file(path, copy);
    ck_assert(stat(path, &one) == 0 && stat(copy, &other) == 0);
    ck_assert_uint_eq(one.st_ino, other.st_ino);
    expect_life_of_file(LIVES);
    struct tm_reader *reader = open_file(copy);
    ck_assert_int_eq(life_in(read_from(reader)), UNKNOWN);
    tm_reader_close(reader);
    kill_child(watched);
}

/* Number, start, name and inode are those of a process that lives; only the file system is another. */
START_TEST(one_that_is_alike_but_for_the_file_system)
{
    run_or_leave_out(look_at_a_copy);
}
END_TEST

static uint64_t own_start(void)
{
    char line[1024] = "";
    int fd = open("/proc/./self/stat", O_RDONLY); /* as the library, for emulators */
    ck_assert_int_gt(read(fd, line, sizeof line - 1), 0);
    close(fd);
    unsigned long long start = 0;
    sscanf(strrchr(line, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
           &start);
    ck_assert_uint_ne(start, 0);
    return start;
}

/* Of a process that had this one's number before it, and has the file mapped: as a name, and as a start, and both right. */
START_TEST(one_that_had_its_number_before)
{
    static const struct {
        int name, head;
        enum life life;
    } starts[] = {{1, 1, UNKNOWN}, {0, 1, UNKNOWN}, {1, 0, UNKNOWN}, {0, 0, LIVES}};
    make_channels();
    pid_t child = start_child(own_with_a_worker), mine = getpid();
    wait_for_child();
    kill_child(child);
    const char *path = find_file(publish_directory);
    char name[200];
    uint64_t start = own_start(), in_head = start + starts[_i].head;
    uint32_t not_locked = 0;
    snprintf(name, sizeof name, "%s/%d-%llu.tm", publish_directory, (int)mine,
             (unsigned long long)start + starts[_i].name);
    ck_assert_int_eq(rename(path, name), 0);
    int fd = open(name, O_RDWR);
    ck_assert_int_eq(pwrite(fd, &mine, sizeof mine, offsetof(struct tm__head, pid)), sizeof mine);
    ck_assert_int_eq(pwrite(fd, &in_head, sizeof in_head, offsetof(struct tm__head, start_ticks)), sizeof in_head);
    ck_assert_int_eq(pwrite(fd, &not_locked, sizeof not_locked, offsetof(struct tm__head, locked)), sizeof not_locked);
    ck_assert_ptr_ne(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED);
    close(fd);
    expect_life_of_file(starts[_i].life);
    struct tm_reader *reader;
    ck_assert_int_eq(tm_reader_open_pid(mine, &reader, NULL), starts[_i].life == LIVES ? 0 : -ENOENT);
    if (starts[_i].life == LIVES)
        tm_reader_close(reader);
}
END_TEST

/* As if another container had put it there, whose process 1 began in the same hundredth of a second. */
static void own_where_the_name_is_taken(void)
{
    char taken[200];
    struct stat before, after;
    dev_t device;
    ino_t inode;
    struct tm_reader *reader;
    enter_pid_namespace();
    snprintf(taken, sizeof taken, "%s/1-%llu.tm", publish_directory, (unsigned long long)own_start());
    int other = open(taken, O_RDWR | O_CREAT | O_EXCL, 0600);
    ck_assert_int_eq(fstat(other, &before), 0);
    void *volatile block = tm_malloc(100);
    ck_assert(stat(taken, &after) == 0 && before.st_ino == after.st_ino);
    ck_assert_int_eq(tm_reader_open_pid(1, &reader, NULL), 0);
    tm_reader_file(reader, &device, &inode);
    ck_assert(stat(tm_reader_path(reader), &after) == 0 && after.st_ino == inode && inode != before.st_ino);
    ck_assert_int_eq(life_in(read_from(reader)), LIVES);
    tm_reader_close(reader);
    ck_assert_int_eq(unlink(taken), 0);
    tm_free(block);
}

START_TEST(one_whose_name_is_taken)
{
    if (!run_or_leave_out(own_where_the_name_is_taken))
        return;
    int directory = open(publish_directory, O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(tm_reader_remove(directory, strrchr(find_file(publish_directory), '/') + 1), 0);
    close(directory);
}
END_TEST

static void own_at_another_time(void)
{
    static const char offset[] = "boottime 10000 0";
    step(unshare(CLONE_NEWTIME) == 0, "a time namespace");
    int offsets = open("/proc/self/timens_offsets", O_WRONLY);
    step(write(offsets, offset, strlen(offset)) > 0, "a time of its own");
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        own_with_a_worker();
    }
    tell_number(child);
    for (;;)
        pause();
}

/* The process sees another start time of its own than we do. */
START_TEST(one_in_another_time)
{
    make_channels();
    make_number_channel();
    pid_t parent = start_child(own_at_another_time);
    if (!hear_number(parent, &watched))
        return;
    wait_for_child();
    struct tm_reader *reader = open_pid(watched);
    ck_assert_int_eq(life_in(read_from(reader)), LIVES);
    expect_life_of_file(LIVES);
    kill_child(parent);
    while (read_from(reader)->live)
        sched_yield();
    ck_assert_int_eq(life_in(read_from(reader)), CRASHED);
    tm_reader_close(reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader_unseen");
    TCase *tcase = add_publishing_case(suite, "unseen", 60);
    tcase_add_test(tcase, one_that_is_not_dumpable);
    tcase_add_test(tcase, one_in_another_pid_namespace);
    tcase_add_test(tcase, two_containers_that_are_alike);
    tcase_add_loop_test(tcase, one_that_had_its_number_before, 0, 4);
    tcase_add_test(tcase, one_whose_name_is_taken);
    tcase_add_test(tcase, one_that_is_alike_but_for_the_file_system);
    tcase_add_test(tcase, one_in_another_time);
    return run_suite(suite);
}
