/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The malloc family under the names that glibc gives it for itself, and exports: programs call these to have what they
 * put in front of malloc left out, and give the blocks to plain free, or the other way round. Unlike the plain names
 * (missing.c) they never mean another malloc that was preloaded: that is who calls them.
 */
#define _GNU_SOURCE
#include "preload/next.h"

#include <stddef.h>

#include <threadmeter/malloc.h>

#define EXPORT __attribute__((visibility("default")))

/* libc's, for the malloc that is behind. */
#define BEHIND(type, name, ...)                                                                                        \
    do {                                                                                                               \
        static void *_Atomic known;                                                                                    \
        if (__builtin_expect(tm__is_behind, 0))                                                                        \
            return ((type *)tm__find_next(&known, name))(__VA_ARGS__);                                                 \
    } while (0)

typedef void *of_size(size_t);
typedef void *of_two_sizes(size_t, size_t);
typedef void *of_block_and_size(void *, size_t);
typedef void of_block(void *);

/* No header declares them. */
EXPORT of_size __libc_malloc, __libc_valloc, __libc_pvalloc;
EXPORT of_two_sizes __libc_calloc, __libc_memalign;
EXPORT of_block_and_size __libc_realloc;
EXPORT of_block __libc_free;

void *__libc_malloc(size_t size)
{
    BEHIND(of_size, "__libc_malloc", size);
    return tm_malloc(size);
}

void __libc_free(void *block)
{
    BEHIND(of_block, "__libc_free", block);
    tm_free(block);
}

void *__libc_calloc(size_t count, size_t size)
{
    BEHIND(of_two_sizes, "__libc_calloc", count, size);
    return tm_calloc(count, size);
}

void *__libc_realloc(void *block, size_t size)
{
    BEHIND(of_block_and_size, "__libc_realloc", block, size);
    return tm_realloc(block, size);
}

void *__libc_memalign(size_t alignment, size_t size)
{
    BEHIND(of_two_sizes, "__libc_memalign", alignment, size);
    return tm_memalign(alignment, size);
}

void *__libc_valloc(size_t size)
{
    BEHIND(of_size, "__libc_valloc", size);
    return tm_valloc(size);
}

void *__libc_pvalloc(size_t size)
{
    BEHIND(of_size, "__libc_pvalloc", size);
    return tm_pvalloc(size);
}
