/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jemalloc's own family, which BIND 9 and others call. If the program has it from jemalloc, none of its blocks would be
 * metered; and nallocx, which tcmalloc has, too, would return more than our blocks have. mallctl stays jemalloc's: what
 * it makes, an arena say, gets no blocks, and does no harm.
 */
#include "api/realloc.h"

#include <stdint.h>
#include <string.h>

#include <threadmeter/malloc.h>

#define EXPORT __attribute__((visibility("default")))

/*
 * What is in the flags, from the lowest bit up: the logarithm of the alignment, whether new bytes are to be 0, and then
 * cache and arena, which mean nothing here.
 */
enum { LOG_OF_ALIGNMENT = 63, ZERO = 64 };
enum { USUAL_ALIGNMENT = 16 };

/* No header of ours declares them. */
EXPORT void *mallocx(size_t size, int flags);
EXPORT void *rallocx(void *block, size_t size, int flags);
EXPORT size_t xallocx(void *block, size_t size, size_t extra, int flags);
EXPORT size_t sallocx(const void *block, int flags);
EXPORT void dallocx(void *block, int flags);
EXPORT void sdallocx(void *block, size_t size, int flags);
EXPORT size_t nallocx(size_t size, int flags);

static size_t alignment_in(int flags)
{
    return (size_t)1 << (flags & LOG_OF_ALIGNMENT);
}

static void *clear(void *block, size_t from, size_t to)
{
    if (block && to > from)
        memset((char *)block + from, 0, to - from);
    return block;
}

void *mallocx(size_t size, int flags)
{
    if (alignment_in(flags) <= USUAL_ALIGNMENT)
        return flags & ZERO ? tm_calloc(1, size) : tm_malloc(size);
    void *block = tm_memalign(alignment_in(flags), size);
    return flags & ZERO ? clear(block, 0, size) : block;
}

/* jemalloc leaves open what a size of 0 does, and gives a block. So it is not realloc's, which frees. */
void *rallocx(void *block, size_t size, int flags)
{
    size_t before = flags & ZERO ? tm_malloc_usable_size(block) : SIZE_MAX, wanted = size ? size : 1;
    void *moved = alignment_in(flags) <= USUAL_ALIGNMENT ? tm_realloc(block, wanted)
                                                         : tm__realloc_aligned(block, alignment_in(flags), wanted);
    return clear(moved, before, wanted);
}

size_t xallocx(void *block, size_t size, size_t extra, int flags)
{
    size_t before = flags & ZERO ? tm_malloc_usable_size(block) : SIZE_MAX;
    size_t most = extra <= SIZE_MAX - size ? size + extra : SIZE_MAX;
    size_t now = tm__realloc_in_place(block, size ? size : 1, most);
    clear(block, before, now);
    return now;
}

/* The real size of a block is what was asked for: all that the program may write to. */
size_t sallocx(const void *block, int flags)
{
    (void)flags;
    return tm_malloc_usable_size((void *)block);
}

void dallocx(void *block, int flags)
{
    (void)flags;
    tm_free(block);
}

/* The size is not compared with the block's: a program that passes a wrong one runs as it did without us. */
void sdallocx(void *block, size_t size, int flags)
{
    (void)size;
    (void)flags;
    tm_free(block);
}

/* How large such a block would really be. */
size_t nallocx(size_t size, int flags)
{
    (void)flags;
    return size <= PTRDIFF_MAX ? size : 0;
}
