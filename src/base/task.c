/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/task.h"
#include "base/kernel.h"
#include "base/text.h"
#include "base/vdso.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>

/*
 * libc makes the number of a thread's CPU clock from the thread's tid, by the kernel's rule for such clocks; a number
 * of another form has no tid in it. libc learns the tid when a thread starts or a process forks, but not in a child of
 * vfork.
 */
pid_t tm__tid_by_libc(void)
{
    enum { OF_A_THREAD = 6 };
    clockid_t clock;
    bool known = pthread_getcpuclockid(pthread_self(), &clock) == 0 && (clock & 7) == OF_A_THREAD && clock >> 3 < -1;
    return known ? ~(clock >> 3) : tm__sys_gettid();
}

/*
 * A child of vfork in a pid namespace of its own may by chance have the same number there as its parent's thread has in
 * the parent's namespace: then this takes the child's number for the thread's, which is the right one.
 */
bool tm__read_own_tid(pid_t *tid)
{
    *tid = tm__sys_gettid();
    return *tid == tm__tid_by_libc();
}

/*
 * libc registers a robust list for each thread that it starts and each child that it forks. The kernel lets no child
 * inherit that list.
 */
bool tm__is_thread(void)
{
    void *list = NULL;
    int error = tm__sys_get_robust_list(&list);
    if (error == -ENOSYS) /* an emulator */
        return tm__tid_by_libc() == tm__sys_gettid();
    return error == 0 && list;
}

/*
 * Whether the caller was forked by the bare system call, of which libc knows nothing. It is a process of its own all
 * the same.
 */
static bool is_forked(void)
{
    pid_t parent = tm__sys_getppid();
    return parent > 0 && tm__sys_compare_memory(tm__sys_getpid(), parent) > 0;
}

pid_t tm__own_tid(void)
{
    return tm__is_thread() || is_forked() ? tm__sys_gettid() : tm__tid_by_libc();
}

static bool has_thread(pid_t process, pid_t thread)
{
    int error = tm__sys_tgkill(process, thread, 0);
    return error == 0 || error == -EPERM;
}

/*
 * In a pid namespace of its own, a child cannot ask. Then the waiting thread is most likely the process's first, and so
 * its tid is the pid.
 */
pid_t tm__own_pid(void)
{
    pid_t pid = tm__sys_getpid(), parent = tm__sys_getppid(), tid = tm__tid_by_libc();
    if (tm__is_thread() || has_thread(pid, tid) || is_forked())
        return pid;
    return parent > 0 && has_thread(parent, tid) ? parent : tid;
}

uint64_t tm__boot_time(void)
{
    return tm__read_boot_clock();
}

/* Reads a file in /proc; content that is too long is cut off. */
static bool read_file(pid_t process, pid_t thread, const char *name, char *content, size_t capacity)
{
    char path[64];
    struct tm__text text = TM__TEXT(path, -1);
    tm__put(&text, "/proc/");
    if (process == 0) /* the dot is needed since emulators make up the start time of the process in /proc/self/stat */
        tm__put(&text, thread == 0 ? "./self" : "self");
    else
        tm__put_number(&text, (uint64_t)process);
    if (thread != 0) {
        tm__put(&text, "/task/");
        tm__put_number(&text, (uint64_t)thread);
    }
    tm__put(&text, name);

    int fd = tm__sys_openat(AT_FDCWD, tm__string(&text), O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    ssize_t got = tm__sys_read(fd, content, capacity - 1);
    tm__sys_close(fd);
    content[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* Not strrchr(): a fork's child calls this before it has a region of its own, and nothing may allocate then. */
static const char *last_in(const char *line, char c)
{
    const char *last = NULL;
    for (; *line; line++)
        if (*line == c)
            last = line;
    return last;
}

/* Field 22 of the line. Field 2 is in parentheses, and may itself contain spaces and parentheses. */
static uint64_t start_in(const char *after_name)
{
    const char *at = after_name;
    for (int word = 2; at && word < 22; word++)
        at = strchr(at + 1, ' ');
    uint64_t ticks = 0;
    for (at = at ? at + 1 : ""; *at >= '0' && *at <= '9'; at++)
        ticks = ticks * 10 + (uint64_t)(*at - '0');
    return ticks;
}

bool tm__read_task(pid_t process, pid_t thread, struct tm__task *task)
{
    char line[640];
    *task = (struct tm__task){0};
    if (!read_file(process, thread, "/stat", line, sizeof line))
        return false;
    const char *name = strchr(line, '('), *end = last_in(line, ')');
    if (!name || !end || end - ++name >= TM__NAME)
        return false;
    memcpy(task->name, name, (size_t)(end - name));
    task->start_ticks = start_in(end);
    return true;
}

/* A tick is some 10 ms: a thread that began in the same tick as that time may have begun before it. */
bool tm__began_after(const struct tm__task *task, uint64_t boot_time)
{
    uint64_t in_second = getauxval(AT_CLKTCK);
    uint64_t tick = in_second != 0 ? UINT64_C(1000000000) / in_second : 0;
    return task->start_ticks * tick > boot_time;
}

/*
 * A line of NSpid has a number for each namespace from that of /proc down to the thread's own, so there must be one
 * only.
 */
bool tm__is_numbered_here(pid_t thread)
{
    char status[1024];
    if (!read_file(0, thread, "/status", status, sizeof status))
        return false;
    const char *line = strstr(status, "\nNSpid:\t"), *end = line ? strchr(line + 1, '\n') : NULL;
    return end && !memchr(line + strlen("\nNSpid:\t"), '\t', (size_t)(end - line) - strlen("\nNSpid:\t"));
}
