/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader/mappings.h"
#include "reader/candidates.h"
#include "reader/regular.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

struct mapping {
    unsigned long long start, end;
    bool shared;
    dev_t device;
    ino_t inode;
    const char *path;
};

/* ---- lines of /proc/PID/maps ---- */

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

/* Whether the path is "…/PID-TICKS.tm" or "…/PID-TICKS-NAMESPACE.tm", perhaps of a file that has been removed. */
static bool is_named(const char *line, const struct tm__publisher *publisher)
{
    const char *name = strrchr(line, '/');
    if (!name || !isdigit((unsigned char)name[1]) || strtoll(name + 1, NULL, 10) != publisher->pid)
        return false;
    const char *ticks = skip_digits(name + 1);
    if (*ticks != '-' || !isdigit((unsigned char)ticks[1]) ||
        !tm__ticks_agree(strtoull(ticks + 1, NULL, 10), publisher->start_ticks))
        return false;
    const char *end = skip_digits(ticks + 1);
    if (*end == '-')
        end = skip_digits(end + 1);
    return strcmp(end, ".tm") == 0 || strcmp(end, ".tm (deleted)") == 0;
}

/*
 * True for a shared mapping of a file that is named after the process. The name is checked first, as few lines have it.
 */
static bool parse(char *line, const struct tm__publisher *publisher, struct mapping *mapping)
{
    char flags[8];
    unsigned major_number, minor_number;
    unsigned long long inode;
    int end = 0;
    line[strcspn(line, "\n")] = '\0';
    if (!is_named(line, publisher) ||
        sscanf(line, "%llx-%llx %7s %*x %x:%x %llu %n", &mapping->start, &mapping->end, flags, &major_number,
               &minor_number, &inode, &end) < 6 ||
        end == 0)
        return false;
    mapping->shared = flags[3] == 's';
    mapping->device = makedev(major_number, minor_number);
    mapping->inode = (ino_t)inode;
    mapping->path = line + end;
    return mapping->shared;
}

bool tm__is_alive(int maps)
{
    char byte;
    return maps >= 0 && pread(maps, &byte, 1, 0) == 1;
}

/*
 * Opens /proc/PID/maps; or, if the first thread has exited before others and that file is therefore empty, the file of
 * one of its threads. `directory` is set to the directory that it is in. Returns -1 with errno.
 */
static int open_maps(pid_t pid, char directory[TM__PROC_PATH])
{
    snprintf(directory, TM__PROC_PATH, "/proc/%d", (int)pid);
    int maps = tm__open_proc("%s/maps", directory);
    if (maps < 0 || tm__is_alive(maps))
        return maps;
    DIR *tasks = tm__open_tasks(pid);
    for (pid_t task; (task = tm__next_number(tasks)) != 0;) {
        int task_maps = tm__open_proc("/proc/%d/task/%d/maps", (int)pid, (int)task);
        if (!tm__is_alive(task_maps)) {
            if (task_maps >= 0)
                close(task_maps);
            continue;
        }
        snprintf(directory, TM__PROC_PATH, "/proc/%d/task/%d", (int)pid, (int)task);
        close(maps);
        maps = task_maps;
        break;
    }
    if (tasks)
        closedir(tasks);
    return maps;
}

static int duplicate(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* A stream of its lines. The descriptor itself stays open; after the last line it is at the end of the file. */
static FILE *read_maps(int maps)
{
    int copy = duplicate(maps);
    FILE *lines = copy >= 0 ? fdopen(copy, "r") : NULL;
    if (copy >= 0 && !lines)
        close(copy);
    return lines;
}

/* For a file on an overlay, /proc/PID/maps shows one device, and fstat() another. */
static bool is_file(const struct mapping *mapping, const struct stat *file, int fd)
{
    enum { OVERLAY = 0x794c7630 };
    struct statfs of;
    return mapping->inode == file->st_ino &&
           (mapping->device == file->st_dev || (fstatfs(fd, &of) == 0 && of.f_type == OVERLAY));
}

/* ---- which process has a file mapped ---- */

static bool leads_to(const char *root, const char *path, const struct stat *file)
{
    struct stat found;
    char from_root[PATH_MAX + TM__PROC_PATH];
    snprintf(from_root, sizeof from_root, "%s%s", root, path);
    return stat(from_root, &found) == 0 && found.st_dev == file->st_dev && found.st_ino == file->st_ino;
}

/*
 * If only the inode were compared, any file on an overlay could be taken for a mapped file of another file system. So
 * there the path must lead to the file, too, from one of the roots that maps may show it from: see open_mapped().
 */
static bool is_the_one(const char *directory, const struct mapping *mapping, const struct stat *file, int fd)
{
    char root[TM__PROC_PATH + 8];
    if (!is_file(mapping, file, fd))
        return false;
    snprintf(root, sizeof root, "%s/root", directory);
    return mapping->device == file->st_dev || leads_to("", mapping->path, file) || leads_to(root, mapping->path, file);
}

static bool has_mapped(int maps, const char *directory, const struct tm__publisher *publisher, const struct stat *file,
                       int fd)
{
    FILE *lines = read_maps(maps);
    char *line = NULL;
    size_t size = 0;
    struct mapping mapping;
    bool found = false;
    while (lines && !found && getline(&line, &size, lines) > 0)
        found = parse(line, publisher, &mapping) && is_the_one(directory, &mapping, file, fd);
    if (lines)
        fclose(lines);
    free(line);
    return found;
}

int tm__open_maps_of_publisher(pid_t pid, const struct tm__publisher *publisher, int fd)
{
    char directory[TM__PROC_PATH];
    struct stat file;
    if (!tm__is_publisher(pid, publisher) || fstat(fd, &file) != 0)
        return -1;
    int maps = open_maps(pid, directory);
    if (maps < 0 || has_mapped(maps, directory, publisher, &file, fd))
        return maps;
    close(maps);
    return -1;
}

pid_t tm__find_process(const struct tm__publisher *publisher, int fd, int *maps)
{
    size_t count;
    pid_t *candidates, pid = 0;
    *maps = tm__open_maps_of_publisher(publisher->pid, publisher, fd);
    if (*maps >= 0)
        return publisher->pid;
    if (!tm__find_candidates(publisher, fd, &candidates, &count))
        return -1;
    for (size_t i = 0; i < count && *maps < 0; i++)
        if ((*maps = tm__open_maps_of_publisher(candidates[i], publisher, fd)) >= 0)
            pid = candidates[i];
    free(candidates);
    return pid;
}

/* ---- which files a process has ---- */

static bool same_root(const char *directory)
{
    struct stat here, there;
    char root[TM__PROC_PATH + 8];
    snprintf(root, sizeof root, "%s/root/", directory);
    return stat("/", &here) == 0 && stat(root, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

/* Opens the file at this path. Returns -1 with errno, also if it is not the file that is mapped. */
static int open_same(const char *path, int flags, const struct mapping *mapping)
{
    struct stat file;
    int found = tm__find_regular(AT_FDCWD, path, flags, &file);
    if (found < 0)
        return -1;
    if (is_file(mapping, &file, found))
        return tm__open_found(found, AT_FDCWD, path);
    close(found);
    errno = ENOENT;
    return -1;
}

/*
 * /proc/PID/maps shows a path from the reader's own root if it can be reached from there (the process may have a
 * narrower root), or else from the root of the process's mount namespace. Two namespaces with the same root may still
 * have different mounts below it, such as a service with its own /tmp. If the file has been removed, it is opened by
 * the kernel's link in map_files, which only privileged readers may do.
 */
static int open_mapped(pid_t pid, const char *directory, const struct mapping *mapping, char *path, size_t size)
{
    int fd = -1;
    bool own_root_first = same_root(directory);
    for (int i = 0; i < 2 && fd < 0; i++) {
        bool own_root = (i == 0) == own_root_first;
        snprintf(path, size, "%s%s%s", own_root ? "" : directory, own_root ? "" : "/root", mapping->path);
        fd = open_same(path, O_NOFOLLOW, mapping);
    }
    if (fd >= 0)
        return fd;
    int error = errno;
    char kept[TM__PROC_PATH];
    snprintf(path, size, "%s", mapping->path);
    snprintf(kept, sizeof kept, "/proc/%d/map_files/%llx-%llx", (int)pid, mapping->start, mapping->end);
    fd = open_same(kept, 0, mapping);
    errno = error;
    return fd;
}

/* A process has its own file mapped, and for a moment after a fork its parent's; the rest are in reserve. */
enum { MOST_FILES = 8 };

static bool is_known(const struct mapping *known, int count, const struct mapping *mapping)
{
    for (int i = 0; i < count; i++)
        if (known[i].device == mapping->device && known[i].inode == mapping->inode)
            return true;
    return false;
}

int tm__each_mapped(pid_t pid, const struct tm__publisher *publisher, tm__visit_mapped *visit, void *arg, char *path,
                    size_t size)
{
    char directory[TM__PROC_PATH], *line = NULL;
    int maps = open_maps(pid, directory);
    if (maps < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    FILE *lines = read_maps(maps);
    size_t capacity = 0;
    int count = 0, error = lines ? 0 : -errno;
    struct mapping known[MOST_FILES];
    errno = 0;
    while (lines && count < MOST_FILES && getline(&line, &capacity, lines) > 0) {
        struct mapping *mapping = &known[count];
        if (!parse(line, publisher, mapping) || is_known(known, count, mapping))
            continue;
        count++;
        int fd = open_mapped(pid, directory, mapping, path, size);
        error = fd < 0 ? -errno : 0;
        if (fd >= 0 && visit(fd, duplicate(maps), path, arg))
            break;
    }
    if (lines && error == 0 && ferror(lines))
        error = -errno;
    free(line);
    if (lines)
        fclose(lines);
    close(maps);
    return error;
}
