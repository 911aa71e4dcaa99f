/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "support/elsewhere.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int out[2];

void make_number_channel(void)
{
    ck_assert_int_eq(pipe(out), 0);
}

void step(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "# left out: %s: %s\n", what, strerror(errno));
    _exit(77);
}

static bool was_left_out(pid_t child)
{
    int status;
    return waitpid(child, &status, WNOHANG) == child && WIFEXITED(status) && WEXITSTATUS(status) == 77;
}

bool hear_number(pid_t child, pid_t *number)
{
    struct timespec pause = {.tv_nsec = 1000000};
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    while (read(out[0], number, sizeof *number) != sizeof *number) {
        if (was_left_out(child))
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

void tell_number(pid_t number)
{
    if (write(out[1], &number, sizeof number) != sizeof number)
        _exit(1);
}

void unmount_from_others(void)
{
    step(unshare(CLONE_NEWNS) == 0, "a mount namespace");
    step(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mounts of its own");
    step(mount("tmpfs", publish_directory, "tmpfs", 0, NULL) == 0, "a file system of its own");
}

void own_in_a_container(void)
{
    unmount_from_others();
    step(unshare(CLONE_NEWPID) == 0, "a pid namespace");
    pid_t child = fork();
    step(child >= 0, "a first process there");
    if (child == 0) {
        step(mount("proc", "/proc", "proc", 0, NULL) == 0, "/proc of its own");
        own_with_a_worker();
    }
    tell_number(child);
    for (;;)
        pause();
}

bool run_or_leave_out(void (*body)(void))
{
    int status;
    pid_t child = start_child(body);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        return false;
    ck_assert_msg(status == 0, "the child ended with status %#x", status);
    return true;
}

void enter_pid_namespace(void)
{
    int status;
    step(unshare(CLONE_NEWPID | CLONE_NEWNS) == 0, "a pid namespace");
    step(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mounts of its own");
    pid_t child = fork();
    step(child >= 0, "a first process there");
    if (child == 0) {
        step(mount("proc", "/proc", "proc", 0, NULL) == 0, "/proc of its own");
        return;
    }
    _exit(waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

enum life life_in(const struct tm_reading *reading)
{
    ck_assert_int_le(reading->live + reading->ended + reading->unknown, 1);
    ck_assert(reading->live || !reading->visible);
    return reading->live      ? (reading->visible ? LIVES : LIVES_UNSEEN)
           : reading->ended   ? ENDED
           : reading->unknown ? UNKNOWN
                              : CRASHED;
}

void expect_life_of_file(enum life life)
{
    struct tm_reader *reader = open_file(find_file(getenv("THREADMETER_PUBLISH")));
    const struct tm_reading *reading = read_from(reader);
    ck_assert_int_eq(life_in(reading), life);
    expect_worker(reading);
    tm_reader_close(reader);
}
