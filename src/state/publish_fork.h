/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_PUBLISH_FORK_H
#define TM_PUBLISH_FORK_H

#include <sys/types.h>

/* Called in a fork's child. If the process publishes, the child gets a region, and a file, of its own. */
void tm__publish_in_child(pid_t parent);

#endif
