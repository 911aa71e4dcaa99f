/* SPDX-License-Identifier: BSD-3-Clause */
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

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

static FILE *open_maps(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    return fopen(path, "re");
}

bool tm__has_mapped(pid_t pid, int fd)
{
    struct stat file;
    FILE *maps = fstat(fd, &file) == 0 ? open_maps(pid) : NULL;
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (maps && !found && getline(&line, &size, maps) > 0) {
        struct mapping mapping;
        /* Some file systems (overlays) show another device here than fstat() does. */
        found = parse(line, &mapping) && mapping.shared && mapping.inode == file.st_ino &&
                (mapping.device == file.st_dev || strstr(mapping.path, ".tm"));
    }
    if (maps)
        fclose(maps);
    free(line);
    return found;
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

/* By its path in the process's own root; if that is gone, by what the kernel keeps, for those who may. */
static int open_mapped(pid_t pid, const struct mapping *mapping, char *path, size_t size)
{
    struct stat file;
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    snprintf(path, size, "/proc/%d/root%s", (int)pid, mapping->path);
    struct stat here, there;
    char root[64];
    snprintf(root, sizeof root, "/proc/%d/root/", (int)pid);
    if (stat("/", &here) == 0 && stat(root, &there) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino)
        snprintf(path, size, "%s", mapping->path);
    int fd = open(path, flags), error = errno;
    if (fd >= 0 && fstat(fd, &file) == 0 && file.st_ino == mapping->inode)
        return fd;
    if (fd >= 0) {
        close(fd);
        error = ENOENT;
    }
    char kept[96];
    snprintf(kept, sizeof kept, "/proc/%d/map_files/%llx-%llx", (int)pid, mapping->start, mapping->end);
    fd = open(kept, flags);
    if (fd < 0)
        errno = error;
    return fd;
}

int tm__each_mapped(pid_t pid, bool (*visit)(int fd, const char *path, void *arg), void *arg, char *path, size_t size)
{
    FILE *maps = open_maps(pid);
    if (!maps)
        return errno == ENOENT ? -ESRCH : -errno;
    char *line = NULL;
    size_t capacity = 0;
    int error = 0;
    errno = 0;
    while (getline(&line, &capacity, maps) > 0) {
        struct mapping mapping;
        if (!parse(line, &mapping) || !may_be_published(&mapping))
            continue;
        int fd = open_mapped(pid, &mapping, path, size);
        error = fd < 0 ? -errno : 0;
        if (fd >= 0 && visit(fd, path, arg))
            break;
    }
    if (error == 0 && ferror(maps))
        error = -errno;
    free(line);
    fclose(maps);
    return error;
}

static bool read_name(const char *path, char name[16])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, name, 16) : -1;
    if (fd >= 0)
        close(fd);
    if (got <= 0)
        return false;
    name[got - 1] = '\0'; /* the kernel ends it with a newline */
    return true;
}

/* The last number of the line NSpid is the one in the innermost namespace. */
static pid_t number_inside(pid_t pid, const char *task)
{
    char path[96], line[256];
    long inside = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/status", (int)pid, task);
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status)) {
        if (strncmp(line, "NSpid:", 6) != 0)
            continue;
        char *last = line + strlen(line);
        while (last > line && isspace((unsigned char)last[-1]))
            last--;
        while (last > line && isdigit((unsigned char)last[-1]))
            last--;
        inside = strtol(last, NULL, 10);
        break;
    }
    if (status)
        fclose(status);
    return (pid_t)inside;
}

bool tm__thread_name(pid_t pid, bool same_namespace, pid_t tid, char name[16])
{
    char path[96];
    if (same_namespace) {
        snprintf(path, sizeof path, "/proc/%d/task/%d/comm", (int)pid, (int)tid);
        return read_name(path, name);
    }
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    bool found = false;
    for (struct dirent *entry; tasks && !found && (entry = readdir(tasks));) {
        if (!isdigit((unsigned char)entry->d_name[0]) || number_inside(pid, entry->d_name) != tid)
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/comm", (int)pid, entry->d_name);
        found = read_name(path, name);
    }
    if (tasks)
        closedir(tasks);
    return found;
}
