/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is not ours: the process's malloc, and pointers that no malloc ever gave. */
#ifndef TM_FOREIGN_H
#define TM_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the process's own malloc is our backend's: then an address of the backend's may be legal and not ours. */
bool tm__backend_serves_malloc(void);

/* To the process's own free, realloc and malloc_usable_size, counted; or the end, if no malloc can have given it. */
void tm__foreign_free(void *user);
void *tm__foreign_realloc(void *user, size_t size);
size_t tm__foreign_usable_size(void *user);

void tm__count_intercepted_free(void);
void tm__count_intercepted_realloc(void);

#endif
