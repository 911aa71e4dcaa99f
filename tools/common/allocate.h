/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory, or the end of the program with a message. */
#ifndef TM_ALLOCATE_H
#define TM_ALLOCATE_H

#include <stddef.h>

void *tool_allocate(size_t count, size_t size); /* as calloc() */
void *tool_resize(void *memory, size_t count, size_t size);
void tool_need_memory(int error); /* ends the program, too, if that is -ENOMEM: nobody would know what is left out */

#endif
