/* SPDX-License-Identifier: BSD-3-Clause */
/* For memory that did not come from here: the malloc that is behind, libc's as a rule. */
#define _GNU_SOURCE
#include "preload/next.h"
#include "base/next_malloc.h"

#define EXPORT __attribute__((visibility("default")))

_Thread_local bool tm__is_behind;

/* To look for it may allocate: that comes here, and needs nothing that is behind. */
static void *_Atomic next_malloc, *_Atomic next_free, *_Atomic next_realloc, *_Atomic next_usable_size;

/* It may be called while it is called. */
static bool go_behind(void)
{
    bool was = tm__is_behind;
    tm__is_behind = true;
    return was;
}

static void *malloc_behind(size_t size)
{
    void *(*next)(size_t) = (void *(*)(size_t))tm__find_next(&next_malloc, "malloc");
    bool was = go_behind();
    void *memory = next ? next(size) : NULL;
    tm__is_behind = was;
    return memory;
}

static void free_behind(void *memory)
{
    void (*next)(void *) = (void (*)(void *))tm__find_next(&next_free, "free");
    bool was = go_behind();
    if (next)
        next(memory);
    tm__is_behind = was;
}

static void *realloc_behind(void *memory, size_t size)
{
    void *(*next)(void *, size_t) = (void *(*)(void *, size_t))tm__find_next(&next_realloc, "realloc");
    bool was = go_behind();
    void *result = next ? next(memory, size) : NULL;
    tm__is_behind = was;
    return result;
}

static size_t usable_size_behind(void *memory)
{
    size_t (*next)(void *) = (size_t(*)(void *))tm__find_next(&next_usable_size, "malloc_usable_size");
    bool was = go_behind();
    size_t size = next ? next(memory) : 0;
    tm__is_behind = was;
    return size;
}

EXPORT const struct tm__next_malloc tm__next_malloc = {malloc_behind, free_behind, realloc_behind, usable_size_behind};
