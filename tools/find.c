/* SPDX-License-Identifier: BSD-3-Clause */
/* Which processes can be looked at, and where their files are. */
#include "tool.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct files {
    struct file {
        dev_t device;
        ino_t inode;
    } * seen;
    size_t count;
};

static bool is_new(struct files *files, dev_t device, ino_t inode)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->seen[i].device == device && files->seen[i].inode == inode)
            return false;
    files->seen = tool_resize(files->seen, files->count + 1, sizeof *files->seen);
    files->seen[files->count++] = (struct file){device, inode};
    return true;
}

struct search {
    void (*visit)(struct tm_reader *reader, void *arg);
    void *arg;
    struct files files;
};

/* There is none of this number, or only its exit status, which nobody has asked for yet. */
static bool runs_nothing(pid_t pid)
{
    char path[64], program[1];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    return readlink(path, program, sizeof program) < 0 && errno == ENOENT;
}

/*
 * What a process left that ended of itself is of no use to anybody. One that has become another program has its number
 * still, and perhaps a new file of this name; of others, too, the name may be a new file's by now.
 */
static void visit_or_sweep(struct tm_reader *reader, const char *path, const struct stat *file, struct search *search)
{
    const struct tm_reading *reading;
    struct stat now;
    if (tm_reader_read(reader, &reading, NULL) != 0 || !reading->ended) {
        search->visit(reader, search->arg);
        return;
    }
    if (runs_nothing(reading->pid) && lstat(path, &now) == 0 && now.st_dev == file->st_dev &&
        now.st_ino == file->st_ino)
        unlink(path); /* where that is not allowed, it stays */
    tm_reader_close(reader);
}

static int visit_file(const char *path, void *arg)
{
    struct search *search = arg;
    struct tm_reader *reader;
    char message[TM_READER_MESSAGE];
    struct stat file;
    static struct files told; /* of those who look again and again */
    if (stat(path, &file) != 0 || !is_new(&search->files, file.st_dev, file.st_ino))
        return 0;
    if (tm_reader_open(path, &reader, message) == 0)
        visit_or_sweep(reader, path, &file, search);
    else if (is_new(&told, file.st_dev, file.st_ino))
        tool_warn("%s", message);
    return 0;
}

static void visit_running(struct search *search)
{
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        struct tm_reader *reader;
        dev_t device;
        ino_t inode;
        if (!isdigit((unsigned char)entry->d_name[0]) ||
            tm_reader_open_pid((pid_t)strtol(entry->d_name, NULL, 10), &reader, NULL) != 0)
            continue;
        tm_reader_file(reader, &device, &inode); /* its path may be gone */
        if (is_new(&search->files, device, inode))
            search->visit(reader, search->arg);
        else
            tm_reader_close(reader);
    }
    if (processes)
        closedir(processes);
}

void tool_each_directory(const char *directory, void (*visit)(const char *path))
{
    char usual[PATH_MAX];
    const char *elsewhere = getenv("THREADMETER_PUBLISH");
    if (directory) {
        visit(directory);
        return;
    }
    tool_name_default_directory(usual, sizeof usual);
    visit(usual);
    if (elsewhere && *elsewhere)
        visit(elsewhere);
}

bool tool_each_process(const char *directory, void (*visit)(struct tm_reader *reader, void *arg), void *arg)
{
    struct search search = {.visit = visit, .arg = arg};
    char usual[PATH_MAX];
    int error = 0;
    if (directory) {
        error = tm_reader_each(directory, visit_file, &search);
        if (error)
            tool_warn("%s: %s", directory, strerror(-error));
    } else {
        const char *elsewhere = getenv("THREADMETER_PUBLISH");
        visit_running(&search);
        tool_name_default_directory(usual, sizeof usual);
        tm_reader_each(usual, visit_file, &search);
        if (elsewhere && *elsewhere)
            tm_reader_each(elsewhere, visit_file, &search);
    }
    free(search.files.seen);
    return error == 0;
}

struct only {
    struct tm_reader *reader;
    size_t count;
};

static void keep_only(struct tm_reader *reader, void *arg)
{
    struct only *only = arg;
    if (only->count++ == 0)
        only->reader = reader;
    else
        tm_reader_close(reader);
}

/* A process that is gone left its file where it published, if it crashed. */
struct dead {
    pid_t pid;
    struct tm_reader *reader;
    uint64_t started_ns; /* the latest: numbers are used again */
};

static void keep_dead(struct tm_reader *reader, void *arg)
{
    struct dead *dead = arg;
    const struct tm_reading *reading;
    if (tm_reader_read(reader, &reading, NULL) == 0 && reading->pid == dead->pid && !reading->live &&
        reading->started_ns >= dead->started_ns) {
        tm_reader_close(dead->reader);
        dead->reader = reader;
        dead->started_ns = reading->started_ns;
    } else {
        tm_reader_close(reader);
    }
}

static struct tm_reader *open_dead(pid_t pid)
{
    struct dead dead = {.pid = pid};
    tool_each_process(NULL, keep_dead, &dead);
    return dead.reader;
}

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

struct tm_reader *tool_open(const char *target)
{
    char message[TM_READER_MESSAGE];
    struct tm_reader *reader = NULL;
    if (!target) {
        struct only only = {0};
        tool_each_process(NULL, keep_only, &only);
        if (only.count == 1)
            return only.reader;
        tm_reader_close(only.reader);
        tool_warn(only.count == 0
                      ? "no process publishes its totals; start one by 'threadmeter run', or with THREADMETER_PUBLISH"
                      : "which process? 'threadmeter list' shows them");
        return NULL;
    }
    long number = is_number(target) ? strtol(target, NULL, 10) : 0;
    pid_t pid = number > 0 && number <= INT_MAX ? (pid_t)number : 0;
    int error = pid ? tm_reader_open_pid(pid, &reader, message) : tm_reader_open(target, &reader, message);
    if (error && pid)
        reader = open_dead(pid);
    if (!reader)
        tool_warn("%s", message);
    return reader;
}
