/* SPDX-License-Identifier: BSD-3-Clause */
/* Which process has a published file mapped, and which one a process has, by /proc/PID/maps. */
#ifndef TM_MAPPINGS_H
#define TM_MAPPINGS_H

#include "reader/process.h"

/*
 * A descriptor, if the process has the open file mapped, and is who the file says: so it is the one that writes to it,
 * and no other with its number. It tells of this one's address space for as long as that is in use, whatever becomes of
 * the number. Else -1.
 */
int tm__open_life(pid_t pid, const struct tm__who *who, int fd);
bool tm__is_alive(int life);

/*
 * The process that says so of itself and has the file mapped, with its `life`; 0 and -1 if none is to be seen here; -1 and
 * -1 if there is no memory.
 */
pid_t tm__find_process(const struct tm__who *who, int fd, int *life);

/*
 * Calls visit(fd, life, path, arg) for each file that the process has mapped by a name that is its own, with descriptors
 * that are visit's: the file, and what tm__open_life() gives. A visit that returns true ends it. Maps are read once, each
 * file is opened once, and no more than some: who has many of that name is up to something. 0, or -errno: -ESRCH,
 * -EACCES, of the last file that could not be opened; with its path.
 */
typedef bool tm__visit_mapped(int fd, int life, const char *path, void *arg);
int tm__each_mapped(pid_t pid, const struct tm__who *who, tm__visit_mapped *visit, void *arg, char *path, size_t size);

#endif
