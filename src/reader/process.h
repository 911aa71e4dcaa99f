/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel says about a process: its pid, its start time, and its threads' names. Knows no published files. */
#ifndef TM_PROCESS_H
#define TM_PROCESS_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The pid of the process that a thread belongs to; it is the tid of the first thread. 0: there is no such thread. */
pid_t tm__process_of(pid_t tid);

/* The pid that the process has in its own pid namespace, which may be another one. 0: there is no such process. */
pid_t tm__pid_inside(pid_t pid);

/*
 * What a process knows about itself, and writes to its file. No two processes of one pid namespace ever have the same.
 */
struct tm__publisher {
    pid_t pid;
    uint64_t start_ticks; /* 0: not known, or not to be compared */
};

struct tm__publisher tm__describe_publisher(pid_t pid);
bool tm__is_publisher(pid_t pid, const struct tm__publisher *publisher);
bool tm__ticks_agree(uint64_t one, uint64_t other);

/*
 * Calls visit(tid, name, arg) for each thread, with the tid that it has in its own namespace, until one returns false.
 */
void tm__each_thread(pid_t pid, bool (*visit)(pid_t tid, const char name[16], void *arg), void *arg);

/* ---- for mappings.c ---- */

enum { TM__PROC_PATH = 96 };

/* Opens a file below /proc. Returns -1 with errno, as open() does. */
int tm__open_proc(const char *format, ...) __attribute__((format(printf, 1, 2)));
DIR *tm__open_tasks(pid_t pid);

/* The next entry of a directory that is a number; 0 at the end, or if `directory` is NULL. */
pid_t tm__next_number(DIR *directory);

#endif
