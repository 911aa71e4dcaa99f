/* SPDX-License-Identifier: BSD-3-Clause */
/* calloc, and cfree, which once freed its blocks. */
#define _GNU_SOURCE
#include "api/allocate.h"
#include "threadmeter/malloc.h"

#include <string.h>

void *tm_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return tm__out_of_memory();
    /* Cleared here, since the backend's calloc would clear the header as well, and sets no errno for an overflow. */
    void *user = tm_malloc(bytes);
    __asm__("" : "+r"(bytes)); /* if gcc knows that they are few, it clears them by a slow string instruction */
    return user ? memset(user, 0, bytes) : NULL;
}

void tm_cfree(void *user)
{
    tm_free(user);
}
