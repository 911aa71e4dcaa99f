/* SPDX-License-Identifier: BSD-3-Clause */
/* Allocates memory; if there is none, the program ends with a message. */
#ifndef TM_ALLOCATE_H
#define TM_ALLOCATE_H

#include <stddef.h>

void *tool_allocate(size_t count, size_t size); /* as calloc() */
void *tool_resize(void *memory, size_t count, size_t size);
void tool_need_memory(int error); /* ends the program if `error` is -ENOMEM, since the output would be incomplete */

#endif
