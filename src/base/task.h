/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which thread calls, and what the kernel says of a thread. A child of vfork runs in its parent's memory, with the
 * thread pointer of the thread that waits for it. So for the region it is that thread, whatever pid it has itself,
 * perhaps in a pid namespace of its own. Nothing here allocates, and nothing is a cancellation point.
 */
#ifndef TM_TASK_H
#define TM_TASK_H

#include "base/name.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <stdbool.h>

/*
 * Whether the caller is a thread that libc started; false: a child of vfork or of the bare system call. Asks the
 * kernel.
 */
bool tm__is_thread(void);

/*
 * The tid of the calling thread as libc keeps it in memory; in a child of vfork, that of the thread that waits for it.
 */
pid_t tm__tid_by_libc(void);

/*
 * The tid of the caller, by one system call. This is the only system call that every thread makes, so a sandbox that
 * lets threads start need not allow another. False if libc has another tid, as in a child of vfork or of the bare
 * system call.
 */
bool tm__read_own_tid(pid_t *tid);

/*
 * The tid and pid by which the region knows the caller: in a child of vfork, those of the thread that waits, and its
 * process.
 */
pid_t tm__own_tid(void);
pid_t tm__own_pid(void);

/* Time since boot in ns, comparable with start_ticks; UINT64_MAX if the kernel does not tell it. */
uint64_t tm__boot_time(void);

struct tm__task {
    char name[TM__NAME];
    uint64_t start_ticks; /* since the machine booted */
};

/*
 * Reads what /proc says of a thread of the process, or, if `thread` is 0, of the process. `process` 0 is the caller's
 * own.
 */
bool tm__read_task(pid_t process, pid_t thread, struct tm__task *task);

/*
 * Whether the thread certainly began after this time. If so, the tid of a thread that was there at that time has been
 * used again.
 */
bool tm__began_after(const struct tm__task *task, uint64_t boot_time);

/*
 * Whether /proc, which may be that of another pid namespace, has the same number for this thread of the caller's
 * process as the library.
 */
bool tm__is_numbered_here(pid_t thread);

#endif
