/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Removes files of processes that have ended, and never a file of another: the same name is used again by a process
 * that executes another program.
 */
#include "state/layout.h"
#include "base/liveness_lock.h"
#include "reader/liveness.h"
#include "reader/regular.h"
#include "threadmeter/reader.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* "-" and the digits after it. */
static size_t length_of_number(const char *text)
{
    return text[0] == '-' && isdigit((unsigned char)text[1]) ? 1 + strspn(text + 1, "0123456789") : 0;
}

/* Of PID-TICKS.tm or PID-TICKS-NAMESPACE.tm, or the same with .newN, the part up to the dot. 0: it is another name. */
static size_t length_of_start(const char *name)
{
    size_t pid = strspn(name, "0123456789"), ticks = pid > 0 ? length_of_number(name + pid) : 0;
    return ticks > 0 ? pid + ticks + length_of_number(name + pid + ticks) : 0;
}

static bool is_temporary(const char *name)
{
    const char *end = name + length_of_start(name);
    return strncmp(end, ".new", 4) == 0 && isdigit((unsigned char)end[4]) &&
           end[4 + strspn(end + 4, "0123456789")] == '\0';
}

static bool is_published(const char *name)
{
    return length_of_start(name) > 0 && strcmp(name + length_of_start(name), ".tm") == 0;
}

static bool is_of_this_pid_namespace(const char *name)
{
    struct stat own;
    return stat("/proc/self/ns/pid", &own) == 0 && own.st_ino == tm__pid_namespace_in(name);
}

/* A younger temporary file may be one that a process has just created and not locked yet. */
static bool is_a_minute_old(const struct stat *file)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec - file->st_mtim.tv_sec > 60;
}

/*
 * Returns 0 if the process has ended. If the lock does not tell, the process must have marked its file as ended, and no
 * process may have its pid any more. That can be asked only in its own pid namespace.
 */
static int has_ended(int fd, const char *name, const struct stat *file)
{
    struct tm__head head;
    if (is_temporary(name))
        return tm__ask_lock_of_temporary(fd) == TM__HAS_ENDED && is_a_minute_old(file) ? 0 : -EBUSY;
    if (pread(fd, &head, sizeof head, 0) != sizeof head || memcmp(head.magic, TM__MAGIC, sizeof head.magic) != 0 ||
        head.layout != TM__LAYOUT || head.byte_order != TM__BYTE_ORDER)
        return -EINVAL;
    enum tm__liveness lock = tm__ask_lock(fd, head.locked);
    if (lock == TM__HAS_ENDED)
        return 0;
    bool is_marked = lock == TM__LIVENESS_UNKNOWN && head.ended != 0 && head.pid > 0 && is_of_this_pid_namespace(name);
    return is_marked && kill(head.pid, 0) != 0 && errno == ESRCH ? 0 : -EBUSY;
}

static int rename_to_new(int directory, const char *from, const char *to)
{
    int result = renameat2(directory, from, directory, to, RENAME_NOREPLACE);
    if (result != 0 && errno == EINVAL) /* the file system does not support the flag */
        result = renameat(directory, from, directory, to);
    return result == 0 ? 0 : -errno;
}

static bool is_there(int directory, const char *name, const struct stat *file)
{
    struct stat now;
    return fstatat(directory, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_dev == file->st_dev &&
           now.st_ino == file->st_ino;
}

/*
 * A process that has executed another program may have put its new file there since the old one was checked. To check
 * again just before the removal would still leave a moment between. So the file is first renamed to the name of a
 * temporary file that no process makes; if it turns out to be another file, it is renamed back. If the caller is killed
 * in between, what it leaves is later removed as a temporary file.
 */
static int remove_only(int directory, const char *name, const struct stat *file)
{
    char aside[NAME_MAX + 8];
    snprintf(aside, sizeof aside, "%.*s.new0", (int)length_of_start(name), name);
    if (strcmp(aside, name) != 0) {
        int error = rename_to_new(directory, name, aside);
        if (error)
            return error == -EEXIST ? -EBUSY : error; /* another process is removing it */
    }
    if (is_there(directory, aside, file))
        return unlinkat(directory, aside, 0) == 0 ? 0 : -errno;
    rename_to_new(directory, aside, name);
    return -EBUSY;
}

int tm_reader_remove(int directory, const char *name)
{
    struct stat file;
    if (strchr(name, '/') || strlen(name) > NAME_MAX || (!is_published(name) && !is_temporary(name)))
        return -EINVAL;
    int found = tm__find_regular(directory, name, O_NOFOLLOW, &file);
    int fd = found >= 0 ? tm__open_found(found, directory, name) : -1;
    if (fd < 0)
        return -errno;
    int error = has_ended(fd, name, &file);
    close(fd);
    return error ? error : remove_only(directory, name, &file);
}
