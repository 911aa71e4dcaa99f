/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel says of a process: its numbers, and its threads' names. Knows no files. */
#ifndef TM_PROCESS_H
#define TM_PROCESS_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The process that a thread is of; a process's number is its first thread's. 0: there is no such thread. */
pid_t tm__process_of(pid_t tid);

/* As the process itself is numbered, in a pid namespace of its own maybe. 0: there is no such process. */
pid_t tm__pid_inside(pid_t pid);

/* Who a process is to itself, and so to its file: no two processes of one pid namespace are ever the same. */
struct tm__who {
    pid_t pid;
    uint64_t start_ticks; /* 0: not known, or not to be compared */
};

struct tm__who tm__who_is(pid_t pid);
bool tm__is_who(pid_t pid, const struct tm__who *who);
bool tm__ticks_agree(uint64_t one, uint64_t other);

/* Calls visit(tid, name, arg) for each thread of the process, as that numbers it, until a visit returns false. */
void tm__each_thread(pid_t pid, bool (*visit)(pid_t tid, const char name[16], void *arg), void *arg);

/* ---- for mappings.c ---- */

enum { TM__PROC_PATH = 96 };

/* -1 with errno, as open() has it. */
int tm__open_proc(const char *format, ...) __attribute__((format(printf, 1, 2)));
DIR *tm__open_tasks(pid_t pid);

/* The next of a directory's entries that is a number; 0 at its end, or if it is NULL. */
pid_t tm__next_number(DIR *directory);

#endif
