/* SPDX-License-Identifier: BSD-3-Clause */
/* A test's children: they and their parent tell each other when to go on; and one kind has a worker, to be read. */
#ifndef TESTS_CHILDREN_H
#define TESTS_CHILDREN_H

#include <sys/types.h>
#include <threadmeter/reader.h>

/* Forks; the child runs body and ends with status 0, by _exit. */
pid_t start_child(void (*body)(void));
void kill_child(pid_t child); /* by SIGKILL, and waits for it */

/* Opens channels from a child to its parent, and back. To be called before start_child(). */
void make_channels(void);
void tell_parent(void);
void tell_child(void);
void wait_for_parent(void); /* ends the caller if that is gone */
void wait_for_child(void);

/* For start_child(): the first thread owns 300 bytes, and a worker 2000, which tells the parent. It does not end. */
void own_with_a_worker(void);
void own_and_leave_a_worker(void); /* but the first thread does */
void expect_worker(const struct tm_reading *reading);

#endif
