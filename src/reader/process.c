/* SPDX-License-Identifier: BSD-3-Clause */
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PROC_PATH = 96 };

/* -1 with errno, as open() has it. */
static int open_proc(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int open_proc(const char *format, ...)
{
    char path[PROC_PATH];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static DIR *open_tasks(pid_t pid)
{
    int fd = open_proc("/proc/%d/task", (int)pid);
    DIR *tasks = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !tasks)
        close(fd);
    return tasks;
}

/* The next of a directory's entries that is a number; 0 at its end. */
static pid_t next_number(DIR *directory)
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

/* `key` as "NSpid:" of a process's or a thread's status; 0 if that is gone. */
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
    return number_inside(open_proc("/proc/%d/status", (int)tid), "Tgid:");
}

pid_t tm__pid_inside(pid_t pid)
{
    return number_inside(open_proc("/proc/%d/status", (int)pid), "NStgid:");
}

/* ---- mappings ---- */

struct mapping {
    unsigned long long start, end;
    bool shared;
    dev_t device;
    ino_t inode;
    const char *path; /* "" if it has none */
};

/* Of a line of /proc/PID/maps. */
static bool parse(char *line, struct mapping *mapping)
{
    char flags[8];
    unsigned major_number, minor_number;
    unsigned long long inode;
    int end = 0;
    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "%llx-%llx %7s %*x %x:%x %llu %n", &mapping->start, &mapping->end, flags, &major_number,
               &minor_number, &inode, &end) < 6 ||
        end == 0)
        return false;
    mapping->shared = flags[3] == 's';
    mapping->device = makedev(major_number, minor_number);
    mapping->inode = (ino_t)inode;
    mapping->path = line + end;
    return true;
}

bool tm__is_alive(int life)
{
    char byte;
    return life >= 0 && pread(life, &byte, 1, 0) == 1;
}

/*
 * Of /proc/PID, or of a thread's directory there: where the first thread has ended before others, the process's own
 * says nothing any more. Which it is goes to `directory`. -1 with errno.
 */
static int open_maps(pid_t pid, char directory[PROC_PATH])
{
    snprintf(directory, PROC_PATH, "/proc/%d", (int)pid);
    int maps = open_proc("%s/maps", directory);
    if (maps < 0 || tm__is_alive(maps))
        return maps;
    DIR *tasks = open_tasks(pid);
    for (pid_t task; (task = next_number(tasks)) != 0;) {
        int its = open_proc("/proc/%d/task/%d/maps", (int)pid, (int)task);
        if (!tm__is_alive(its)) {
            if (its >= 0)
                close(its);
            continue;
        }
        snprintf(directory, PROC_PATH, "/proc/%d/task/%d", (int)pid, (int)task);
        close(maps);
        maps = its;
        break;
    }
    if (tasks)
        closedir(tasks);
    return maps;
}

/* Lines of it; the descriptor stays open, and is at its end behind them. */
static FILE *read_maps(int maps)
{
    int copy = fcntl(maps, F_DUPFD_CLOEXEC, 0);
    FILE *lines = copy >= 0 ? fdopen(copy, "r") : NULL;
    if (copy >= 0 && !lines)
        close(copy);
    return lines;
}

static bool has_mapped(int maps, const struct stat *file)
{
    FILE *lines = read_maps(maps);
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (lines && !found && getline(&line, &size, lines) > 0) {
        struct mapping mapping;
        /* Some file systems (overlays) show another device here than fstat() does. */
        found = parse(line, &mapping) && mapping.shared && mapping.inode == file->st_ino &&
                (mapping.device == file->st_dev || strstr(mapping.path, ".tm"));
    }
    if (lines)
        fclose(lines);
    free(line);
    return found;
}

int tm__open_life(pid_t pid, int fd)
{
    char directory[PROC_PATH];
    struct stat file;
    int maps = fstat(fd, &file) == 0 ? open_maps(pid, directory) : -1;
    if (maps < 0 || has_mapped(maps, &file))
        return maps;
    close(maps);
    return -1;
}

pid_t tm__find_process(pid_t inside, int fd, int *life)
{
    *life = tm__open_life(inside, fd);
    if (*life >= 0)
        return inside;
    DIR *processes = opendir("/proc");
    pid_t pid;
    while ((pid = next_number(processes)) != 0)
        if (tm__pid_inside(pid) == inside && pid != inside && (*life = tm__open_life(pid, fd)) >= 0)
            break;
    if (processes)
        closedir(processes);
    return pid;
}

/* "…/123-456.tm", or what it was before it was removed. */
static bool may_be_published(const struct mapping *mapping)
{
    static const char deleted[] = " (deleted)";
    size_t length = strlen(mapping->path), tail = sizeof deleted - 1;
    if (length > tail && strcmp(mapping->path + length - tail, deleted) == 0)
        length -= tail;
    return mapping->shared && length > 3 && strncmp(mapping->path + length - 3, ".tm", 3) == 0;
}

/* -1 with errno, also if it is another file than is mapped. */
static int open_same(const char *path, int flags, const struct mapping *mapping)
{
    struct stat file;
    int fd = open(path, flags);
    if (fd < 0 || (fstat(fd, &file) == 0 && file.st_ino == mapping->inode))
        return fd;
    close(fd);
    errno = ENOENT;
    return -1;
}

static bool same_root(const char *directory)
{
    struct stat here, there;
    char root[PROC_PATH + 8];
    snprintf(root, sizeof root, "%s/root/", directory);
    return stat("/", &here) == 0 && stat(root, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

/*
 * Paths are shown from our own root, where that leads there (the process may have a narrower one), or else from the
 * root of the process's mounts; of which there may be others than ours below the same root, as of a service with a /tmp
 * of its own. If the file is gone, by what the kernel keeps, for those who may.
 */
static int open_mapped(pid_t pid, const char *directory, const struct mapping *mapping, char *path, size_t size)
{
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, fd = -1;
    bool ours_first = same_root(directory);
    for (int i = 0; i < 2 && fd < 0; i++) {
        bool ours = (i == 0) == ours_first;
        snprintf(path, size, "%s%s%s", ours ? "" : directory, ours ? "" : "/root", mapping->path);
        fd = open_same(path, flags | O_NOFOLLOW, mapping);
    }
    if (fd >= 0)
        return fd;
    int error = errno;
    char kept[PROC_PATH];
    snprintf(path, size, "%s", mapping->path);
    snprintf(kept, sizeof kept, "/proc/%d/map_files/%llx-%llx", (int)pid, mapping->start, mapping->end);
    fd = open_same(kept, flags, mapping);
    errno = error;
    return fd;
}

int tm__each_mapped(pid_t pid, bool (*visit)(int fd, const char *path, void *arg), void *arg, char *path, size_t size)
{
    char directory[PROC_PATH], *line = NULL;
    int maps = open_maps(pid, directory);
    if (maps < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    FILE *lines = read_maps(maps);
    close(maps);
    if (!lines)
        return -errno;
    size_t capacity = 0;
    int error = 0;
    errno = 0;
    while (getline(&line, &capacity, lines) > 0) {
        struct mapping mapping;
        if (!parse(line, &mapping) || !may_be_published(&mapping))
            continue;
        int fd = open_mapped(pid, directory, &mapping, path, size);
        error = fd < 0 ? -errno : 0;
        if (fd >= 0 && visit(fd, path, arg))
            break;
    }
    if (error == 0 && ferror(lines))
        error = -errno;
    free(line);
    fclose(lines);
    return error;
}

/* ---- threads ---- */

static bool read_name(pid_t pid, pid_t task, char name[16])
{
    int fd = open_proc("/proc/%d/task/%d/comm", (int)pid, (int)task);
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
    DIR *tasks = open_tasks(pid);
    bool numbered_alike = tm__pid_inside(pid) == pid, more = true;
    for (pid_t task; more && (task = next_number(tasks)) != 0;) {
        char name[16] = "";
        pid_t tid =
            numbered_alike ? task : number_inside(open_proc("/proc/%d/task/%d/status", (int)pid, (int)task), "NSpid:");
        if (tid != 0 && read_name(pid, task, name))
            more = visit(tid, name, arg);
    }
    if (tasks)
        closedir(tasks);
}
