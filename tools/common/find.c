/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Searches for processes that publish, and for their files. Another user may publish anything, and have any number of
 * processes and files. So a file that is not wanted is never opened, users take turns, and a search ends in time.
 */
#include "common/find.h"
#include "common/allocate.h"
#include "common/clock.h"
#include "common/directories.h"
#include "common/messages.h"
#include "common/prune.h"
#include "common/stop.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The default of tool_search.most_names. Running processes are found by /proc, too, so they are not lost by it. */
enum { MOST_NAMES = 100000 };

/* ---- a hash table of files that were seen ---- */

struct files {
    struct file {
        dev_t device;
        ino_t inode; /* 0: this place is free */
    } * seen;
    size_t count, places; /* places is a power of two; at most half of them are taken */
};

static size_t place_of(const struct files *files, dev_t device, ino_t inode)
{
    size_t place = (size_t)((inode ^ (uint64_t)device << 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
    for (;; place++) {
        const struct file *file = &files->seen[place & (files->places - 1)];
        if (file->inode == 0 || (file->inode == inode && file->device == device))
            return place & (files->places - 1);
    }
}

static void make_room(struct files *files)
{
    if (2 * files->count < files->places)
        return;
    struct files larger = {.count = files->count, .places = files->places ? 2 * files->places : 64};
    larger.seen = tool_allocate(larger.places, sizeof *larger.seen);
    for (size_t i = 0; i < files->places; i++)
        if (files->seen[i].inode != 0)
            larger.seen[place_of(&larger, files->seen[i].device, files->seen[i].inode)] = files->seen[i];
    free(files->seen);
    *files = larger;
}

static bool is_new(struct files *files, dev_t device, ino_t inode)
{
    make_room(files);
    struct file *file = &files->seen[place_of(files, device, inode)];
    if (file->inode != 0)
        return false;
    *file = (struct file){device, inode};
    files->count++;
    return true;
}

/* True once for each file, also over many searches: so its message is not repeated. The table's size is limited. */
static bool needs_message(const struct stat *file)
{
    enum { MOST_REPORTED = 10000 };
    static struct files reported;
    return reported.count < MOST_REPORTED && is_new(&reported, file->st_dev, file->st_ino);
}

/* ---- the search ---- */

struct walk {
    struct tool_search *search;
    struct files files;
    struct files directories;
    size_t left; /* so many more files may be opened in this directory */
};

static bool goes_on(const struct tool_search *search)
{
    return !tool_is_stopped() && (search->until_ns == 0 || tool_clock() < search->until_ns);
}

static bool is_wanted(struct tool_search *search, uid_t owner)
{
    if (search->all_users || owner == geteuid())
        return true;
    search->others++;
    return false;
}

/* ---- directories ---- */

static bool is_published(const char *name)
{
    size_t length = strlen(name);
    return length > 3 && strcmp(name + length - 3, ".tm") == 0;
}

/* Visits the file; or removes it, if its process has ended normally, since then nobody needs it. */
static void visit_or_remove(struct walk *walk, struct tm_reader *reader, const struct tool_place *place)
{
    struct tool_search *search = walk->search;
    const struct tm_reading *reading;
    search->place = place;
    if (tm_reader_read(reader, &reading, NULL) != 0 || !reading->ended) {
        search->visit(reader, search->arg);
    } else {
        tool_remove(place); /* if that is not allowed, the file stays */
        tm_reader_close(reader);
    }
    search->place = NULL;
}

/*
 * Opens a regular file whose owner is wanted. Returns its descriptor, or -1 with errno, which is 0 if it is not wanted.
 */
static int open_wanted(struct walk *walk, const struct tool_place *place, struct stat *file)
{
    struct tool_search *search = walk->search;
    /* Check before it is opened, since opening may have an effect on a device, and may wait at a pipe. */
    if (fstatat(place->directory, place->name, file, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    errno = 0;
    if (!is_wanted(search, file->st_uid))
        return -1;
    if (walk->left == 0) {
        search->left_out++;
        return -1;
    }
    walk->left--;
    errno = EINVAL;
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
    int fd = S_ISREG(file->st_mode) ? openat(place->directory, place->name, flags) : -1;
    if (fd < 0)
        return -1;
    /* Check again after it is opened, since another file may have taken its place. */
    if (fstat(fd, file) == 0 && S_ISREG(file->st_mode) && (search->all_users || file->st_uid == geteuid()))
        return fd;
    close(fd);
    errno = 0;
    return -1;
}

static void visit_file(struct walk *walk, struct tool_place *place)
{
    char message[TM_READER_MESSAGE];
    struct tm_reader *reader;
    int fd = open_wanted(walk, place, &place->file);
    if (fd < 0) {
        if (errno == EINVAL && !S_ISREG(place->file.st_mode) && needs_message(&place->file))
            tool_warn("%s is no regular file", place->path);
        else if (errno != 0 && errno != ENOENT && needs_message(&place->file))
            tool_warn("cannot open %s: %s", place->path, strerror(errno));
    } else if (!is_new(&walk->files, place->file.st_dev, place->file.st_ino)) {
        close(fd);
    } else {
        int error = tm_reader_open_fd(fd, place->path, &reader, message);
        tool_need_memory(error);
        if (error == 0)
            visit_or_remove(walk, reader, place);
        else if (needs_message(&place->file))
            tool_warn("%s", message);
    }
}

static void walk_names(struct walk *walk, DIR *names, const char *directory, const char *why_foreign)
{
    struct tool_search *search = walk->search;
    for (struct dirent *entry; (entry = readdir(names));) {
        char path[PATH_MAX];
        bool temporary = search->prune && !why_foreign && tool_is_temporary(entry->d_name);
        if (!goes_on(search)) {
            search->left_out++; /* at least this one; how many more there are is not known */
            return;
        }
        if ((!temporary && !is_published(entry->d_name)) ||
            snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >= (int)sizeof path)
            continue;
        struct tool_place place = {
            .directory = dirfd(names), .name = entry->d_name, .path = path, .why_foreign = why_foreign};
        if (temporary)
            tool_prune_temporary(&place);
        else
            visit_file(walk, &place);
    }
}

/* Returns 0, or -errno if it cannot be read. Works on the descriptor, so it does not matter if the path changes. */
static int walk_directory(struct walk *walk, const char *path)
{
    struct stat found;
    int link = walk->search->prune ? O_NOFOLLOW : 0;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | link);
    DIR *names = fd >= 0 && fstat(fd, &found) == 0 ? fdopendir(fd) : NULL;
    int error = errno;
    tool_need_memory(names ? 0 : -error);
    if (!names) {
        if (fd >= 0)
            close(fd);
        return -error;
    }
    if (is_new(&walk->directories, found.st_dev, found.st_ino)) {
        walk->left = walk->search->most_names ? walk->search->most_names : MOST_NAMES;
        const char *why_foreign = tool_why_foreign(&found);
        if (why_foreign && walk->search->prune) {
            tool_warn("nothing is removed in %s: %s", path, why_foreign);
            walk->search->failed = true;
        }
        walk_names(walk, names, path, why_foreign);
    }
    closedir(names);
    return 0;
}

/* ---- processes ---- */

struct process {
    pid_t pid;
    uid_t uid;   /* the effective user, who owns the directory in /proc */
    size_t turn; /* 0: the caller's; 1, 2, …: the first, second, … process of another user */
};

/* Lists the processes of the users who are wanted. Nothing of another user's process is opened. */
static struct process *list_processes(const struct tool_search *search, size_t *count)
{
    struct process *processes = NULL;
    size_t capacity = 0;
    *count = 0;
    DIR *entries = opendir("/proc");
    tool_need_memory(entries ? 0 : -errno);
    for (struct dirent *entry; entries && !tool_is_stopped() && (entry = readdir(entries));) {
        struct stat owner;
        if (!isdigit((unsigned char)entry->d_name[0]) || fstatat(dirfd(entries), entry->d_name, &owner, 0) != 0 ||
            (!search->all_users && owner.st_uid != geteuid()))
            continue;
        if (*count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            processes = tool_resize(processes, capacity, sizeof *processes);
        }
        processes[(*count)++] = (struct process){.pid = (pid_t)strtol(entry->d_name, NULL, 10), .uid = owner.st_uid};
    }
    if (entries)
        closedir(entries);
    return processes;
}

static int by_user(const void *a, const void *b)
{
    const struct process *one = a, *other = b;
    if (one->uid != other->uid)
        return one->uid < other->uid ? -1 : 1;
    return (one->pid > other->pid) - (one->pid < other->pid);
}

static int by_turn(const void *a, const void *b)
{
    const struct process *one = a, *other = b;
    if (one->turn != other->turn)
        return one->turn < other->turn ? -1 : 1;
    return by_user(a, b);
}

/* Sorts: the caller's own processes come first, then one process of each other user, then a second one of each, … */
static void let_users_take_turns(struct process *processes, size_t count)
{
    if (count == 0)
        return;
    qsort(processes, count, sizeof *processes, by_user);
    size_t turn = 0;
    for (size_t i = 0; i < count; i++) {
        turn = i > 0 && processes[i].uid == processes[i - 1].uid ? turn + 1 : 1;
        processes[i].turn = processes[i].uid == geteuid() ? 0 : turn;
    }
    qsort(processes, count, sizeof *processes, by_turn);
}

static void visit_process(struct walk *walk, pid_t pid)
{
    struct tm_reader *reader;
    dev_t device;
    ino_t inode;
    int error = tm_reader_open_pid(pid, &reader, NULL);
    tool_need_memory(error);
    if (error)
        return;
    tm_reader_file(reader, &device, &inode); /* its path may be gone */
    if (is_wanted(walk->search, tm_reader_owner(reader)) && is_new(&walk->files, device, inode))
        walk->search->visit(reader, walk->search->arg);
    else
        tm_reader_close(reader);
}

/* False if the search had to end early. */
static bool walk_processes(struct walk *walk, const struct process *processes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!goes_on(walk->search)) {
            walk->search->left_out += count - i;
            return false;
        }
        visit_process(walk, processes[i].pid);
    }
    return true;
}

static void walk_usual_places(struct walk *walk)
{
    char usual[PATH_MAX];
    const char *elsewhere = getenv("THREADMETER_PUBLISH");
    size_t count, own = 0;
    struct process *processes = list_processes(walk->search, &count);
    let_users_take_turns(processes, count);
    while (own < count && processes[own].turn == 0)
        own++;
    walk_processes(walk, processes, own);
    tool_name_default_directory(usual, sizeof usual);
    walk_directory(walk, usual);
    if (elsewhere && *elsewhere)
        walk_directory(walk, elsewhere);
    walk_processes(walk, processes + own, count - own);
    free(processes);
}

/* A command that searches again and again prints the message once, and again only after a search that was complete. */
static void report_left_out(size_t left_out)
{
    static bool reported;
    if (left_out > 0 && !reported && !tool_is_stopped())
        tool_warn("there is too much to read: %zu or more files and processes are left out", left_out);
    reported = left_out > 0;
}

bool tool_each_process(struct tool_search *search)
{
    struct walk walk = {.search = search};
    search->left_out = search->others = 0;
    int error = search->directory ? walk_directory(&walk, search->directory) : 0;
    if (error) {
        tool_warn("%s: %s", search->directory, strerror(-error));
        search->failed = true;
    }
    if (!search->directory)
        walk_usual_places(&walk);
    report_left_out(search->left_out);
    free(walk.files.seen);
    free(walk.directories.seen);
    return error == 0;
}
