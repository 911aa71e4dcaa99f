/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_PUBLISH_FORK_H
#define TM_PUBLISH_FORK_H

#include <sys/types.h>

/* In a fork's child of a process that publishes: it gets a region, and a file, of its own. Otherwise nothing. */
void tm__publish_in_child(pid_t parent);

#endif
