/* SPDX-License-Identifier: BSD-3-Clause */
/* The process's own malloc, by a name that no macro and no redirection changes. */
#include "block/process_malloc.h"
#include "threadmeter/malloc.h"

void *tm_libc_malloc(size_t size)
{
    return tm__process_malloc(size);
}

void tm_libc_free(void *memory)
{
    tm__process_free(memory);
}

void *tm_libc_realloc(void *memory, size_t size)
{
    return tm__process_realloc(memory, size);
}
