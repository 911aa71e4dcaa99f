/* SPDX-License-Identifier: BSD-3-Clause */
/* glibc's functions about the heap, answered for ours: in such a process libc's own heap is empty. */
#define _GNU_SOURCE
#include "api/mallinfo.h"

#include <threadmeter/malloc.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT struct mallinfo mallinfo(void)
{
    return tm_mallinfo();
}

#if !__GLIBC_PREREQ(2, 33)
struct mallinfo2 mallinfo2(void);
#endif

EXPORT struct mallinfo2 mallinfo2(void)
{
    return tm_mallinfo2();
}

EXPORT void malloc_stats(void)
{
    tm_malloc_stats();
}

EXPORT int malloc_info(int options, FILE *stream)
{
    return tm_malloc_info(options, stream);
}

EXPORT int malloc_trim(size_t pad)
{
    return tm_malloc_trim(pad);
}

EXPORT int mallopt(int parameter, int value)
{
    return tm_mallopt(parameter, value);
}

/* glibc also exports two of them under its own names. */
EXPORT struct mallinfo __libc_mallinfo(void);
struct mallinfo __libc_mallinfo(void)
{
    return tm_mallinfo();
}

EXPORT int __libc_mallopt(int parameter, int value);
int __libc_mallopt(int parameter, int value)
{
    return tm_mallopt(parameter, value);
}
