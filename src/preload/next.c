/* SPDX-License-Identifier: BSD-3-Clause */
/* The malloc that comes next in the search order, usually libc's: for memory that did not come from ours. */
#define _GNU_SOURCE
#include "preload/next.h"
#include "base/next_malloc.h"

#define EXPORT __attribute__((visibility("default")))

_Thread_local bool tm__in_next_malloc;

/* To search for them may allocate. Such an allocation comes to our malloc, which does not need them. */
static void *_Atomic next_malloc, *_Atomic next_free, *_Atomic next_realloc, *_Atomic next_usable_size;

/* Returns the earlier value, since these calls may be nested. */
static bool enter_next_malloc(void)
{
    bool outer = tm__in_next_malloc;
    tm__in_next_malloc = true;
    return outer;
}

static void *call_next_malloc(size_t size)
{
    void *(*next)(size_t) = (void *(*)(size_t))tm__find_next(&next_malloc, "malloc");
    bool outer = enter_next_malloc();
    void *memory = next ? next(size) : NULL;
    tm__in_next_malloc = outer;
    return memory;
}

static void call_next_free(void *memory)
{
    void (*next)(void *) = (void (*)(void *))tm__find_next(&next_free, "free");
    bool outer = enter_next_malloc();
    if (next)
        next(memory);
    tm__in_next_malloc = outer;
}

static void *call_next_realloc(void *memory, size_t size)
{
    void *(*next)(void *, size_t) = (void *(*)(void *, size_t))tm__find_next(&next_realloc, "realloc");
    bool outer = enter_next_malloc();
    void *result = next ? next(memory, size) : NULL;
    tm__in_next_malloc = outer;
    return result;
}

static size_t call_next_usable_size(void *memory)
{
    size_t (*next)(void *) = (size_t(*)(void *))tm__find_next(&next_usable_size, "malloc_usable_size");
    bool outer = enter_next_malloc();
    size_t size = next ? next(memory) : 0;
    tm__in_next_malloc = outer;
    return size;
}

EXPORT const struct tm__next_malloc tm__next_malloc = {call_next_malloc, call_next_free, call_next_realloc,
                                                       call_next_usable_size};
