/* SPDX-License-Identifier: BSD-3-Clause */
/* Which process this is: for readers of its file, and in the name of that file. */
#ifndef TM_PROCESS_H
#define TM_PROCESS_H

#include "state/layout.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { TM__FILE_NAME = 80 };

/*
 * PID-TICKS.tm: no other process ever has both numbers, except in another pid namespace, such as a container that was
 * started in the same hundredth of a second; there the name is PID-TICKS-NAMESPACE.tm. One file must never replace that
 * of another process. `temporary` is the number of a temporary file; 0: the name that the file will have when it is
 * whole.
 */
const char *tm__name_file(char name[TM__FILE_NAME], uint64_t temporary);

/* Judged by the name of a published file. */
bool tm__is_of_own_pid_namespace(const char *name);

/* Writes to the head which process this is: pid, parent, name, and when it began. */
void tm__describe_process(struct tm__head *head, pid_t parent);

/*
 * Called in a fork's child, which has one thread: it is another process now. `parent` is the pid that its parent had
 * for itself; 0: that is not known.
 */
void tm__forget_process(pid_t parent);

#endif
