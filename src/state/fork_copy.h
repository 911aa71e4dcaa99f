/* SPDX-License-Identifier: BSD-3-Clause */
/* What a fork's child of a process that publishes is to have: a copy of what was used just before the fork. */
#ifndef TM_FORK_COPY_H
#define TM_FORK_COPY_H

#include "state/area.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * A fork's child shares the mapping with its parent, so it gets books of its own before it writes to them: as they were
 * when before_fork copied them, and a file for them. Memory that is shared is not what it was at the moment of the fork,
 * as other memory is. So of threads that allocate or free during the fork itself what the child has as live is a bound:
 * never below what it is, and too high by no more than what they freed meanwhile, and allocated till the child looked.
 */
void tm__copy_before_fork(void);
void tm__drop_copy(void); /* in the parent */

/* To be called as a process begins to publish. What it needs at a fork, while there are few threads. */
void tm__keep_place_for_copy(void);

/* In the child: from now on it says what its books have. */
void tm__begin_child(pid_t parent);

/* Bytes, whole pages. */
size_t tm__used_in_child(enum tm__area area);

/* One page of them, which stands until the next; as they are in a file, or in memory of its own. */
const char *tm__child_page(enum tm__area area, size_t offset, bool published);

/* The page of the copy that it was made of, if there is one. */
char *tm__copied_page(enum tm__area area, size_t offset);

#endif
