/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes in namespaces of their own. A test that is not permitted here is left out, and the output says so. */
#ifndef TESTS_ELSEWHERE_H
#define TESTS_ELSEWHERE_H

#include "support/children.h"
#include "support/reading.h"

/* In a child: unless `done`, ends it with status 77 and a line that says why, with the reason from errno. */
void step(bool done, const char *what);

/* A channel for numbers. It must be opened before start_child(). */
void make_number_channel(void);
void tell_number(pid_t number);

/* Gets the number of the process to be watched from the child that was started; false if the child was left out. */
bool hear_number(pid_t child, pid_t *number);

/* Mounts a file system of the child's own where it publishes. */
void unmount_from_others(void);

/* For start_child(): own_with_a_worker() as process 1 of a pid namespace, on such a file system. Sends its number. */
void own_in_a_container(void);

/* Runs the body in a child, and waits; false if the child was left out. */
bool run_or_leave_out(void (*body)(void));

/* The caller goes on in a pid namespace, with a /proc of its own. */
void enter_pid_namespace(void);

/* What a reading says of a process. */
enum life { LIVES, LIVES_UNSEEN, ENDED, CRASHED, UNKNOWN };
enum life life_in(const struct tm_reading *reading);

/* Of the only file where the process publishes, one of own_with_a_worker()'s. */
void expect_life_of_file(enum life life);

#endif
