/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A published file is locked for as long as its process has it mapped, and says so. The kernel is asked directly. Where
 * locks do not tell, or are refused, or not kept, the file does not say so, and is published all the same.
 */
#define _GNU_SOURCE
#include "support/published.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

static enum { AS_IT_IS, OVERLAY, REFUSED, NOT_KEPT } kernel;

int __real_tm__sys_fstatfs(int fd, struct statfs *of);
int __wrap_tm__sys_fstatfs(int fd, struct statfs *of);
int __wrap_tm__sys_fstatfs(int fd, struct statfs *of)
{
    int result = __real_tm__sys_fstatfs(fd, of);
    if (kernel == OVERLAY)
        of->f_type = 0x794c7630;
    return result;
}

int __real_tm__sys_lock_file(int fd);
int __wrap_tm__sys_lock_file(int fd);
int __wrap_tm__sys_lock_file(int fd)
{
    if (kernel == REFUSED)
        return -EPERM;
    return kernel == NOT_KEPT ? 0 : __real_tm__sys_lock_file(fd);
}

/* Another process replaces the file just before it is moved for removal. */
static bool another_comes;

int __real_tm__sys_renameat_new(int files, const char *from, const char *to);
int __wrap_tm__sys_renameat_new(int files, const char *from, const char *to);
int __wrap_tm__sys_renameat_new(int files, const char *from, const char *to)
{
    if (another_comes) {
        another_comes = false;
        int fd = openat(files, "new", O_CREAT | O_WRONLY, 0600);
        if (write(fd, "new", 3) != 3 || close(fd) != 0 || renameat(files, "new", files, from) != 0)
            _exit(1);
    }
    return __real_tm__sys_renameat_new(files, from, to);
}

/* Whether the process's file is locked, asked as the tool does, with a descriptor for reading. */
static bool is_locked(pid_t pid)
{
    char start[32];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    snprintf(start, sizeof start, "%d-", (int)pid);
    DIR *files = opendir(directory);
    struct dirent *entry;
    while ((entry = readdir(files)) && strncmp(entry->d_name, start, strlen(start)) != 0)
        ;
    ck_assert_msg(entry != NULL, "%d has no file", (int)pid);
    int fd = openat(dirfd(files), entry->d_name, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_OFD_GETLK, &lock), 0);
    close(fd);
    closedir(files);
    return lock.l_type != F_UNLCK;
}

static int said[2], end_now[2];

static void say(pid_t pid)
{
    if (write(said[1], &pid, sizeof pid) != sizeof pid)
        _exit(1);
}

static pid_t hear(void)
{
    pid_t pid;
    ck_assert_int_eq(read(said[0], &pid, sizeof pid), sizeof pid);
    return pid;
}

static void make_pipes(void)
{
    make_directory();
    ck_assert_int_eq(pipe(said), 0);
    ck_assert_int_eq(pipe(end_now), 0);
}

static void live_on(void)
{
    say(getpid());
    for (;;)
        pause();
}

static void own_and_live_on(void)
{
    allocate();
    live_on();
}

static void kill_and_wait(pid_t child)
{
    kill(child, SIGKILL);
    ck_assert_int_eq(end_of(child), SIGKILL);
}

START_TEST(while_it_lives)
{
    pid_t child = start(own_and_live_on);
    ck_assert_int_eq(hear(), child);
    ck_assert(is_locked(child));
    ck_assert_uint_ne(map_file_of(child)->head.locked, 0);
    int status;
    kill(child, SIGSTOP);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(is_locked(child));
    kill(child, SIGKILL);
    siginfo_t end;
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &end, WEXITED | WNOWAIT), 0);
    ck_assert(!is_locked(child)); /* a zombie */
    ck_assert_int_eq(end_of(child), SIGKILL);
    ck_assert(!is_locked(child));
    ck_assert_uint_ne(map_file_of(child)->head.locked, 0);
}
END_TEST

static void own_and_exit(void)
{
    allocate();
    exit(0);
}

static void own_and_leave(void)
{
    allocate();
    _exit(0);
}

static void own_and_abort(void)
{
    signal(SIGABRT, SIG_DFL);
    allocate();
    abort();
}

START_TEST(not_behind_its_end)
{
    static void (*const ends[])(void) = {own_and_exit, own_and_leave, own_and_abort};
    pid_t child = start(ends[_i]);
    end_of(child);
    ck_assert(!is_locked(child));
}
END_TEST

static void become_cat(void)
{
    allocate();
    dup2(end_now[0], STDIN_FILENO);
    dup2(said[1], STDOUT_FILENO);
    execl("/bin/cat", "cat", (char *)NULL);
    _exit(1);
}

START_TEST(not_when_it_is_another_program)
{
    pid_t child = start(become_cat), word = 1;
    ck_assert_int_eq(write(end_now[1], &word, sizeof word), sizeof word);
    ck_assert_int_eq(hear(), word);
    ck_assert(!is_locked(child));
    kill_and_wait(child);
}
END_TEST

static void fork_and_live_on(void)
{
    allocate();
    if (fork() == 0) {
        say(getpid());
        char byte;
        _exit(read(end_now[0], &byte, 1) == 1 ? 0 : 1);
    }
    live_on();
}

START_TEST(a_forks_child_locks_its_own)
{
    pid_t parent = start(fork_and_live_on), first = hear(), second = hear();
    pid_t child = first == parent ? second : first;
    ck_assert(is_locked(parent) && is_locked(child));
    kill_and_wait(parent);
    ck_assert(!is_locked(parent) && is_locked(child));
    ck_assert_int_eq(write(end_now[1], "", 1), 1);
    while (is_locked(child)) /* it ends */
        sched_yield();
}
END_TEST

static void become_a_daemon(void)
{
    allocate();
    if (daemon(1, 1) != 0)
        _exit(1);
    live_on();
}

START_TEST(a_daemon_locks_its_own)
{
    pid_t parent = start(become_a_daemon), child = hear();
    ck_assert_int_eq(end_of(parent), 0);
    ck_assert(!is_locked(parent) && is_locked(child));
    kill(child, SIGKILL);
    while (is_locked(child))
        sched_yield();
}
END_TEST

static void vfork_and_be_killed(void)
{
    allocate();
    if (vfork() == 0) {
        say(getpid());
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    live_on();
}

START_TEST(a_child_of_vfork_takes_nothing_with_it)
{
    pid_t parent = start(vfork_and_be_killed);
    hear();
    ck_assert_int_eq(hear(), parent);
    ck_assert(is_locked(parent));
    kill_and_wait(parent);
    ck_assert(!is_locked(parent));
}
END_TEST

/* A child without fork handlers has its parent's file mapped, and so keeps that locked. */
static void fork_untold(void)
{
    allocate();
    if (_Fork() == 0) {
        say(getpid());
        char byte;
        _exit(read(end_now[0], &byte, 1) == 1 ? 0 : 1);
    }
    live_on();
}

START_TEST(an_untold_child_keeps_its_parents)
{
    pid_t parent = start(fork_untold);
    hear();
    hear();
    kill_and_wait(parent);
    ck_assert(is_locked(parent));
    ck_assert_int_eq(write(end_now[1], "", 1), 1);
    while (is_locked(parent))
        sched_yield();
}
END_TEST

START_TEST(without_locks_it_says_nothing)
{
    kernel = OVERLAY + _i;
    int kept = stderr_now();
    pid_t child = start(own_and_live_on);
    ck_assert_int_eq(hear(), child);
    ck_assert_uint_eq(map_file_of(child)->head.locked, 0);
    ck_assert_uint_eq(live_in(map_file_of(child)), 1000);
    expect_said(kept, NULL);
    kill_and_wait(child);
}
END_TEST

static void own_and_fork_without_locks(void)
{
    allocate();
    kernel = REFUSED;
    if (fork() == 0)
        live_on();
    live_on();
}

/* What a parent's file says is not true of its child. */
START_TEST(a_child_without_says_nothing)
{
    pid_t parent = start(own_and_fork_without_locks), first = hear(), second = hear();
    pid_t child = first == parent ? second : first;
    ck_assert_uint_ne(map_file_of(parent)->head.locked, 0);
    ck_assert_uint_eq(map_file_of(child)->head.locked, 0);
    kill(child, SIGKILL);
    kill_and_wait(parent);
}
END_TEST

/* ---- a process that begins removes files that others left ---- */

static void name_of_file(pid_t pid, char path[400])
{
    char start[32];
    snprintf(start, sizeof start, "%d-", (int)pid);
    DIR *files = opendir(directory);
    for (struct dirent *entry; (entry = readdir(files));)
        if (strncmp(entry->d_name, start, strlen(start)) == 0)
            snprintf(path, 400, "%s/%s", directory, entry->d_name);
    closedir(files);
}

static void begin_until_it_is_gone(const char *path)
{
    enum { MOST = 400 }; /* one in eight looks */
    for (int i = 0; i < MOST && access(path, F_OK) == 0; i++)
        end_of(start(own_and_leave));
    ck_assert_int_ne(access(path, F_OK), 0);
}

/* As that of a process in another pid namespace, which fails to become another program. */
START_TEST(what_is_locked_is_not_swept)
{
    char locked[400], other[400];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    pid_t one = start(own_and_exit);
    end_of(one);
    name_of_file(one, locked);
    int fd = open(locked, O_RDWR);
    ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
    pid_t two = start(own_and_exit);
    end_of(two);
    name_of_file(two, other);
    begin_until_it_is_gone(other);
    ck_assert_int_eq(access(locked, F_OK), 0);
    close(fd);
    begin_until_it_is_gone(locked);
}
END_TEST

static char left[400];

static void begin_as_another_comes(void)
{
    another_comes = true;
    allocate();
    _exit(another_comes ? 0 : 3);
}

START_TEST(what_comes_meanwhile_is_not_swept)
{
    enum { MOST = 400 };
    char text[4] = "", aside[400];
    pid_t one = start(own_and_exit);
    end_of(one);
    name_of_file(one, left);
    int status = 0;
    for (int i = 0; i < MOST && status == 0; i++)
        status = end_of(start(begin_as_another_comes));
    ck_assert_int_eq(WEXITSTATUS(status), 3);
    int fd = open(left, O_RDONLY);
    ck_assert_int_eq(read(fd, text, 3), 3);
    ck_assert_str_eq(text, "new");
    close(fd);
    snprintf(aside, sizeof aside, "%.*s.new0", (int)strlen(left) - 3, left);
    ck_assert_int_ne(access(aside, F_OK), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("publish_lock");
    TCase *tcase = add_case(suite, "publish_lock", 60);
    tcase_add_checked_fixture(tcase, make_pipes, remove_directory);
    tcase_add_test(tcase, while_it_lives);
    tcase_add_loop_test(tcase, not_behind_its_end, 0, 3);
    tcase_add_test(tcase, not_when_it_is_another_program);
    tcase_add_test(tcase, a_forks_child_locks_its_own);
    tcase_add_test(tcase, a_daemon_locks_its_own);
    tcase_add_test(tcase, an_untold_child_keeps_its_parents);
    tcase_add_loop_test(tcase, without_locks_it_says_nothing, 0, 3);
    tcase_add_test(tcase, a_child_without_says_nothing);
    tcase_add_test(tcase, what_is_locked_is_not_swept);
    tcase_add_test(tcase, what_comes_meanwhile_is_not_swept);
    if (!SANITIZED && !is_left_out("children of vfork", VFORK_IS_FORK))
        tcase_add_test(tcase, a_child_of_vfork_takes_nothing_with_it);
    return run_suite(suite);
}
