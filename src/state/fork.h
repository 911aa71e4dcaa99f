/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done around a fork, so that the child finds the region consistent, and itself as the only thread. */
#ifndef TM_FORK_H
#define TM_FORK_H

#include <stdbool.h>

/* Registers the fork handlers, if they are not registered yet; false if that is not possible. */
bool tm__register_fork_handlers(void);

#endif
