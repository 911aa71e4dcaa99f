/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel says of processes that publish: whether they live, and their threads' names. Knows no rows. */
#ifndef TM_PROCESS_H
#define TM_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether the process has the open file mapped: it is the one that writes to it, and no other with its number. */
bool tm__has_mapped(pid_t pid, int fd);

/*
 * Calls visit(fd, path, arg) for each file that the process has mapped and that may be a published one, with a
 * descriptor that is visit's. A visit that returns true ends it. 0, or -errno: -ESRCH, -EACCES, of the last file that
 * could not be opened; with its path.
 */
int tm__each_mapped(pid_t pid, bool (*visit)(int fd, const char *path, void *arg), void *arg, char *path, size_t size);

/*
 * The name of a thread; `tid` as the process numbers it. If that has a pid namespace of its own, it is looked for in
 * all of the process's. False if there is none.
 */
bool tm__thread_name(pid_t pid, bool same_namespace, pid_t tid, char name[16]);

#endif
