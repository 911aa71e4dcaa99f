/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The malloc family under its plain names, for programs that were not built with threadmeter: preloaded, it is in front
 * of libc's for all of the process, libc itself too.
 */
#define _GNU_SOURCE
#include "../behind.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>

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

/*
 * A question of jemalloc's and tcmalloc's: how large a block of this size would really be. Theirs comes from a library of
 * the program, is larger, and who trusts it writes behind a block of ours.
 */
EXPORT size_t nallocx(size_t size, int flags);
size_t nallocx(size_t size, int flags)
{
    (void)flags;
    return size;
}

/* ---- what is behind: libc's, for memory that did not come from here ---- */

/* Relaxed: code, with no data behind it, and who looks again finds the same. */
static void *_Atomic next_malloc, *_Atomic next_free, *_Atomic next_realloc, *_Atomic next_usable_size;

static void *find_next(void *_Atomic *next, const char *name)
{
    void *found = atomic_load_explicit(next, memory_order_relaxed);
    if (found)
        return found;
    int saved = errno;
    found = dlsym(RTLD_NEXT, name); /* which may allocate: that comes here, and needs nothing that is behind */
    errno = saved;
    atomic_store_explicit(next, found, memory_order_relaxed);
    return found;
}

static void *malloc_behind(size_t size)
{
    void *(*next)(size_t) = (void *(*)(size_t))find_next(&next_malloc, "malloc");
    return next ? next(size) : NULL;
}

static void free_behind(void *memory)
{
    void (*next)(void *) = (void (*)(void *))find_next(&next_free, "free");
    if (next)
        next(memory);
}

static void *realloc_behind(void *memory, size_t size)
{
    void *(*next)(void *, size_t) = (void *(*)(void *, size_t))find_next(&next_realloc, "realloc");
    return next ? next(memory, size) : NULL;
}

static size_t usable_size_behind(void *memory)
{
    size_t (*next)(void *) = (size_t(*)(void *))find_next(&next_usable_size, "malloc_usable_size");
    return next ? next(memory) : 0;
}

EXPORT const struct tm__behind tm__behind = {malloc_behind, free_behind, realloc_behind, usable_size_behind};
