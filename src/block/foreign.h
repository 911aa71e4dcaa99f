/* SPDX-License-Identifier: BSD-3-Clause */
/* Foreign memory: that of the process's malloc, and pointers that no malloc has returned. */
#ifndef TM_FOREIGN_H
#define TM_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Passes the pointer to the process's own free or realloc, and counts it; or reports it, if no malloc can have returned
 * it.
 */
void tm__foreign_free(void *user);
void *tm__foreign_realloc(void *user, size_t size);

void tm__count_intercepted_free(void);
void tm__count_intercepted_realloc(void);

#endif
