/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int tm__open_proc(const char *format, ...)
{
    char path[TM__PROC_PATH];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    return open(path, O_RDONLY | O_CLOEXEC);
}

DIR *tm__open_tasks(pid_t pid)
{
    int fd = tm__open_proc("/proc/%d/task", (int)pid);
    DIR *tasks = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !tasks)
        close(fd);
    return tasks;
}

pid_t tm__next_number(DIR *directory)
{
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        if (isdigit((unsigned char)entry->d_name[0]))
            return (pid_t)strtol(entry->d_name, NULL, 10);
    return 0;
}

/* ---- numbers ---- */

/* The last number of a line such as NSpid is the one in the innermost namespace. */
static pid_t last_number(const char *line)
{
    const char *last = line + strlen(line);
    while (last > line && isspace((unsigned char)last[-1]))
        last--;
    while (last > line && isdigit((unsigned char)last[-1]))
        last--;
    return (pid_t)strtol(last, NULL, 10);
}

/*
 * The last number in the line that begins with `key`, such as "NSpid:", of an open status file; 0 if the task has
 * exited.
 */
static pid_t number_inside(int status, const char *key)
{
    char line[256];
    pid_t number = 0;
    FILE *lines = status >= 0 ? fdopen(status, "r") : NULL;
    while (lines && number == 0 && fgets(line, sizeof line, lines))
        if (strncmp(line, key, strlen(key)) == 0)
            number = last_number(line);
    if (lines)
        fclose(lines);
    else if (status >= 0)
        close(status);
    return number;
}

pid_t tm__process_of(pid_t tid)
{
    return number_inside(tm__open_proc("/proc/%d/status", (int)tid), "Tgid:");
}

pid_t tm__pid_inside(pid_t pid)
{
    return number_inside(tm__open_proc("/proc/%d/status", (int)pid), "NStgid:");
}

/* ---- which process it is ---- */

/*
 * Start times count from the boot, in the time namespace of the process that asks. So they can be compared only if the
 * two processes have the same time namespace.
 */
static bool has_our_time(pid_t pid)
{
    struct stat own, other;
    char path[TM__PROC_PATH];
    snprintf(path, sizeof path, "/proc/%d/ns/time", (int)pid);
    if (stat("/proc/self/ns/time", &own) != 0)
        return errno == ENOENT; /* kernels before 5.6 have no time namespaces */
    return stat(path, &other) == 0 && other.st_dev == own.st_dev && other.st_ino == own.st_ino;
}

/*
 * The 22nd word of a line whose second word is a name in parentheses, which may contain any character. 0: not known.
 * The dot in the path is for emulators: they recognize the plain path, and make up a start time for their own process.
 */
static uint64_t start_ticks(pid_t pid)
{
    char line[1024];
    int stat = tm__open_proc("/proc/./%d/stat", (int)pid);
    ssize_t got = stat >= 0 ? read(stat, line, sizeof line - 1) : -1;
    if (stat >= 0)
        close(stat);
    line[got > 0 ? got : 0] = '\0';
    const char *at = strrchr(line, ')');
    for (int word = 2; at && word < 22; word++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

struct tm__publisher tm__describe_publisher(pid_t pid)
{
    return (struct tm__publisher){.pid = tm__pid_inside(pid), .start_ticks = has_our_time(pid) ? start_ticks(pid) : 0};
}

bool tm__ticks_agree(uint64_t one, uint64_t other)
{
    return one == other || one == 0 || other == 0;
}

bool tm__is_publisher(pid_t pid, const struct tm__publisher *publisher)
{
    if (tm__pid_inside(pid) != publisher->pid)
        return false;
    return publisher->start_ticks == 0 || tm__ticks_agree(start_ticks(pid), publisher->start_ticks) ||
           !has_our_time(pid);
}

/* ---- threads ---- */

static bool read_name(pid_t pid, pid_t task, char name[16])
{
    int fd = tm__open_proc("/proc/%d/task/%d/comm", (int)pid, (int)task);
    ssize_t got = fd >= 0 ? read(fd, name, 16) : -1;
    if (fd >= 0)
        close(fd);
    if (got <= 0)
        return false;
    name[got - 1] = '\0'; /* the kernel ends it with a newline */
    return true;
}

void tm__each_thread(pid_t pid, bool (*visit)(pid_t tid, const char name[16], void *arg), void *arg)
{
    DIR *tasks = tm__open_tasks(pid);
    bool numbered_alike = tm__pid_inside(pid) == pid, more = true;
    for (pid_t task; more && (task = tm__next_number(tasks)) != 0;) {
        char name[16] = "";
        pid_t tid = numbered_alike
                        ? task
                        : number_inside(tm__open_proc("/proc/%d/task/%d/status", (int)pid, (int)task), "NSpid:");
        if (tid != 0 && read_name(pid, task, name))
            more = visit(tid, name, arg);
    }
    if (tasks)
        closedir(tasks);
}
