/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who calls, and what the kernel says of a thread. A child of vfork runs in its parent's memory, by the thread pointer of
 * the thread that waits for it: to the books it is that thread, whatever numbers it has itself, perhaps in a pid
 * namespace of its own. Nothing here allocates, or is a cancellation point.
 */
#ifndef TM_TASK_H
#define TM_TASK_H

#include "base/name.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <stdbool.h>

/* Whether the caller is a thread that libc started; false: a child of vfork or of the bare system call. Asks the kernel. */
bool tm__is_thread(void);

/* The number of the caller's thread as libc has it, in memory; in a child of vfork, of the thread that waits for it. */
pid_t tm__tid_by_libc(void);

/*
 * The caller's, by one system call, the only one that each thread makes: a sandbox that lets threads begin need not allow
 * another. False where libc has another number, as in a child of vfork or of the bare system call.
 */
bool tm__read_own_tid(pid_t *tid);

/* Of the thread that the caller is to the books, and of its process. */
pid_t tm__own_tid(void);
pid_t tm__own_pid(void);

/* ns since the machine booted, as a start is told; UINT64_MAX if the kernel does not say. */
uint64_t tm__boot_time(void);

struct tm__task {
    char name[TM__NAME];
    uint64_t start_ticks; /* since the machine booted */
};

/* As /proc has it: of a process's thread, or of the process if that is 0; `process` 0 is the caller's. */
bool tm__read_task(pid_t process, pid_t thread, struct tm__task *task);

/* Whether that one began, for sure, later than at this time: the tid of one who was there then has been used again. */
bool tm__began_after(const struct tm__task *task, uint64_t boot_time);

/* Whether /proc, which may be of another pid namespace, numbers this thread of the caller's process as we do. */
bool tm__is_numbered_here(pid_t thread);

#endif
