/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The malloc family under glibc's own names, which glibc exports. A program that defines malloc itself calls these to
 * bypass its definition, and then frees the blocks by plain free, or the other way round. Unlike the plain names
 * (missing.c), they never mean another preloaded malloc: such a malloc is what calls them.
 */
#define _GNU_SOURCE
#include "preload/next.h"

#include <stddef.h>

#include <threadmeter/malloc.h>

#define EXPORT __attribute__((visibility("default")))

/* Calls libc's function if it is the next malloc that calls us, see next.h. */
#define IN_NEXT_MALLOC_CALL_LIBC(type, name, ...)                                                                      \
    do {                                                                                                               \
        static void *_Atomic known;                                                                                    \
        if (__builtin_expect(tm__in_next_malloc, 0))                                                                   \
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
    IN_NEXT_MALLOC_CALL_LIBC(of_size, "__libc_malloc", size);
    return tm_malloc(size);
}

void __libc_free(void *block)
{
    IN_NEXT_MALLOC_CALL_LIBC(of_block, "__libc_free", block);
    tm_free(block);
}

void *__libc_calloc(size_t count, size_t size)
{
    IN_NEXT_MALLOC_CALL_LIBC(of_two_sizes, "__libc_calloc", count, size);
    return tm_calloc(count, size);
}

void *__libc_realloc(void *block, size_t size)
{
    IN_NEXT_MALLOC_CALL_LIBC(of_block_and_size, "__libc_realloc", block, size);
    return tm_realloc(block, size);
}

void *__libc_memalign(size_t alignment, size_t size)
{
    IN_NEXT_MALLOC_CALL_LIBC(of_two_sizes, "__libc_memalign", alignment, size);
    return tm_memalign(alignment, size);
}

void *__libc_valloc(size_t size)
{
    IN_NEXT_MALLOC_CALL_LIBC(of_size, "__libc_valloc", size);
    return tm_valloc(size);
}

void *__libc_pvalloc(size_t size)
{
    IN_NEXT_MALLOC_CALL_LIBC(of_size, "__libc_pvalloc", size);
    return tm_pvalloc(size);
}
