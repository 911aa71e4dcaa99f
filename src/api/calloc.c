/* SPDX-License-Identifier: BSD-3-Clause */
/* calloc, and what its blocks were once freed by. */
#define _GNU_SOURCE
#include "api/allocate.h"
#include "threadmeter/malloc.h"

#include <string.h>

void *tm_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return tm__out_of_memory();
    /* Clearing here, not in the backend: it would clear the header as well, and leaves no errno for an overflow. */
    void *user = tm_malloc(bytes);
    __asm__("" : "+r"(bytes)); /* or gcc, where it sees that they are few, clears them by a slow string instruction */
    return user ? memset(user, 0, bytes) : NULL;
}

void tm_cfree(void *user)
{
    tm_free(user);
}
