/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done around a fork, so that the child finds all of this whole, and itself the only thread. */
#ifndef TM_FORK_H
#define TM_FORK_H

#include <stdbool.h>

/* Registers the fork handlers, if that was not done; false if it cannot be. */
bool tm__register_fork_handlers(void);

#endif
