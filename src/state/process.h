/* SPDX-License-Identifier: BSD-3-Clause */
/* Which process this is: to the readers of its file, and in the name of that file. */
#ifndef TM_PROCESS_H
#define TM_PROCESS_H

#include "state/layout.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { TM__FILE_NAME = 80 };

/*
 * PID-TICKS.tm: no other process ever has both numbers, but for one in another pid namespace, as of a container that was
 * started in the same hundredth of a second; so there it is PID-TICKS-NAMESPACE.tm. One must never replace the other's.
 * `temporary` is the number of a file that is not yet in its place; 0: the name that it will have.
 */
const char *tm__name_file(char name[TM__FILE_NAME], uint64_t temporary);

/* By the name of a published file. */
bool tm__is_of_own_pid_namespace(const char *name);

/* Writes whose region it is: the process's numbers, its name, when it began. */
void tm__describe_process(struct tm__head *head, pid_t parent);

/* In a fork's child, in which there is one thread: it is another process. */
void tm__forget_process(void);

#endif
