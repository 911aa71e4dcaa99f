/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader/candidates.h"
#include "reader/arrays.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct process {
    struct tm__publisher publisher;
    pid_t pid;
};

struct list {
    struct process *processes; /* sorted by the pid that each has in its own namespace */
    size_t count, capacity;
    pid_t taken_by;             /* the process that made the list: a child of fork may see another /proc */
    struct timespec taken;      /* a time before the list was begun, by the clock that dates files */
    struct timespec taken_when; /* the same by a clock that is never set */
};

static struct timespec now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time;
}

static int by_number(const void *a, const void *b)
{
    const struct process *left = a, *right = b;
    return (left->publisher.pid > right->publisher.pid) - (left->publisher.pid < right->publisher.pid);
}

/* False if there is no memory: then the list must not be used. */
static bool take(struct list *list)
{
    bool whole = true;
    list->count = 0;
    list->taken_by = 0;
    list->taken = now(CLOCK_REALTIME_COARSE);
    list->taken_when = now(CLOCK_MONOTONIC);
    DIR *entries = opendir("/proc");
    if (!entries && errno == ENOMEM)
        return false;
    for (pid_t pid; whole && (pid = tm__next_number(entries)) != 0;) {
        whole = tm__grow(&list->processes, &list->capacity, list->count, sizeof *list->processes);
        if (whole)
            list->processes[list->count++] = (struct process){.publisher = tm__describe_publisher(pid), .pid = pid};
    }
    if (entries)
        closedir(entries);
    if (!whole)
        return false;
    list->taken_by = getpid();
    if (list->count > 0)
        qsort(list->processes, list->count, sizeof *list->processes, by_number);
    return true;
}

/*
 * Whether the file is older than the list. A process creates its file itself, so a list that was begun later has that
 * process. The clock that dates files advances in steps, so a time that is later by this clock really is later. Not
 * every file system knows when a file was created, but all know when it changed.
 */
static bool is_older(int fd, const struct list *list)
{
    struct statx file;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME | STATX_CTIME, &file) != 0)
        return false;
    const struct statx_timestamp *created = file.stx_mask & STATX_BTIME ? &file.stx_btime : &file.stx_ctime;
    return created->tv_sec < list->taken.tv_sec ||
           (created->tv_sec == list->taken.tv_sec && (long)created->tv_nsec < list->taken.tv_nsec);
}

static bool is_valid_for(int fd, const struct list *list)
{
    struct timespec when = now(CLOCK_MONOTONIC);
    int64_t age =
        (when.tv_sec - list->taken_when.tv_sec) * INT64_C(1000000000) + when.tv_nsec - list->taken_when.tv_nsec;
    return list->taken_by == getpid() && age < INT64_C(1000000000) && is_older(fd, list);
}

static bool choose(const struct list *list, const struct tm__publisher *publisher, pid_t **chosen, size_t *count)
{
    size_t first = 0, end = list->count, capacity = 0;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (list->processes[middle].publisher.pid < publisher->pid)
            first = middle + 1;
        else
            end = middle;
    }
    for (size_t i = first; i < list->count && list->processes[i].publisher.pid == publisher->pid; i++) {
        if (!tm__ticks_agree(list->processes[i].publisher.start_ticks, publisher->start_ticks))
            continue;
        if (!tm__grow(chosen, &capacity, *count, sizeof **chosen))
            return false;
        (*chosen)[(*count)++] = list->processes[i].pid;
    }
    return true;
}

bool tm__find_candidates(const struct tm__publisher *publisher, int fd, pid_t **candidates, size_t *count)
{
    static atomic_flag taken = ATOMIC_FLAG_INIT;
    static struct list kept;
    struct list own = {0}, *list = &own;
    *candidates = NULL;
    *count = 0;
    /*
     * If another thread uses the kept list, or did when this process was forked, make a list for this call: it is
     * slower.
     */
    bool has_kept = !atomic_flag_test_and_set(&taken);
    if (has_kept)
        list = &kept;
    bool done = ((has_kept && is_valid_for(fd, list)) || take(list)) && choose(list, publisher, candidates, count);
    if (has_kept)
        atomic_flag_clear(&taken);
    free(own.processes);
    if (!done)
        free(*candidates);
    return done;
}
