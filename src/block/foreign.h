/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is not ours: the process's malloc, and pointers that no malloc ever gave. */
#ifndef TM_FOREIGN_H
#define TM_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/* To the process's own free and realloc, counted; or the end, if no malloc can have given it. */
void tm__foreign_free(void *user);
void *tm__foreign_realloc(void *user, size_t size);

void tm__count_intercepted_free(void);
void tm__count_intercepted_realloc(void);

#endif
