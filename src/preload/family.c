/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The malloc family under its plain names, for programs that were not built with threadmeter. A preloaded library comes
 * before libc for the whole process, and so also for calls that libc itself makes.
 */
#include <stddef.h>

#include <threadmeter/malloc.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT void *malloc(size_t size)
{
    return tm_malloc(size);
}

EXPORT void free(void *block)
{
    tm_free(block);
}

EXPORT void *calloc(size_t count, size_t size)
{
    return tm_calloc(count, size);
}

EXPORT void *realloc(void *block, size_t size)
{
    return tm_realloc(block, size);
}

EXPORT void *memalign(size_t alignment, size_t size)
{
    return tm_memalign(alignment, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    return tm_aligned_alloc(alignment, size);
}

EXPORT int posix_memalign(void **block, size_t alignment, size_t size)
{
    return tm_posix_memalign(block, alignment, size);
}

EXPORT void *valloc(size_t size)
{
    return tm_valloc(size);
}

EXPORT size_t malloc_usable_size(void *block)
{
    return tm_malloc_usable_size(block);
}
