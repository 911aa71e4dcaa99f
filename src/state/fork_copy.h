/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the region of a fork's child shall contain, if the process publishes: a copy of what was used just before the
 * fork.
 */
#ifndef TM_FORK_COPY_H
#define TM_FORK_COPY_H

#include "state/area.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * A fork's child shares the mapping with its parent, so before it writes to the region it gets one of its own, in a
 * file of its own, with what before_fork() has copied. Other memory of a child is as it was at the moment of the fork;
 * shared memory is not. So for threads that allocate or free during the fork, the child's live bytes are a bound: never
 * too low, and too high by no more than what such a thread freed during the fork, and what it allocated until the child
 * looked.
 */
void tm__copy_before_fork(void);
void tm__drop_copy(void); /* called in the parent */

/* Reserves memory for the copy of a process with few threads; called when the process begins to publish. */
void tm__reserve_fork_copy(void);

/* Called in the child: from now on the functions below describe the child's region. */
void tm__begin_child(pid_t parent);

/* Bytes that the area has in use, in whole pages. */
size_t tm__used_in_child(enum tm__area area);

/* One page of the area, which is valid until the next call; for a published file, or for private memory. */
const char *tm__child_page(enum tm__area area, size_t offset, bool published);

/* The page of the copy from which that page was made; NULL if there is none. */
char *tm__copied_page(enum tm__area area, size_t offset);

#endif
