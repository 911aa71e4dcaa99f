/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel says of processes that publish: whether they live, and their threads' names. Knows no rows. */
#ifndef TM_PROCESS_H
#define TM_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The process that a thread is of; a process's number is its first thread's. 0: there is no such thread. */
pid_t tm__process_of(pid_t tid);

/* As the process itself is numbered, in a pid namespace of its own maybe. 0: there is no such process. */
pid_t tm__pid_inside(pid_t pid);

/*
 * A descriptor, if the process has the open file mapped: so it is the one that writes to it, and no other with its
 * number. It tells of this one's address space for as long as that is in use, whatever becomes of the number. Else -1.
 */
int tm__open_life(pid_t pid, int fd);
bool tm__is_alive(int life);

/* The process that is numbered so on its own side and has the file mapped, with its `life`; 0 and -1 if there is none. */
pid_t tm__find_process(pid_t inside, int fd, int *life);

/*
 * Calls visit(fd, path, arg) for each file that the process has mapped and that may be a published one, with a
 * descriptor that is visit's. A visit that returns true ends it. 0, or -errno: -ESRCH, -EACCES, of the last file that
 * could not be opened; with its path.
 */
int tm__each_mapped(pid_t pid, bool (*visit)(int fd, const char *path, void *arg), void *arg, char *path, size_t size);

/* Calls visit(tid, name, arg) for each thread of the process, as that numbers it, until a visit returns false. */
void tm__each_thread(pid_t pid, bool (*visit)(pid_t tid, const char name[16], void *arg), void *arg);

#endif
