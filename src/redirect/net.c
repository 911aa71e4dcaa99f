/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The net: plain free, realloc, reallocarray and malloc_usable_size in front of the process's own, for blocks of ours
 * that code not built with threadmeter frees. A library of its own, linked by threadmeter-redirect, so that a program
 * that calls tm_malloc by name keeps its process's malloc family untouched.
 */
#define _GNU_SOURCE
#include "../caught.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

typedef void free_function(void *);
typedef void *realloc_function(void *, size_t);
typedef size_t usable_size_function(void *);

/*
 * The next in line: tcmalloc's or glibc's. dlsym may itself call free or realloc, with memory of its own; then `looking`
 * is set and there is no next yet.
 */
static void *_Atomic next_free, *_Atomic next_realloc, *_Atomic next_usable_size;
static _Thread_local bool looking __attribute__((tls_model("initial-exec")));

static void *find_next(void *_Atomic *next, const char *name)
{
    void *found = atomic_load_explicit(next, memory_order_relaxed);
    if (found || looking)
        return found;
    int saved = errno;
    looking = true;
    found = dlsym(RTLD_NEXT, name);
    looking = false;
    errno = saved;
    atomic_store_explicit(next, found, memory_order_relaxed);
    return found;
}

__attribute__((constructor)) static void find_all(void)
{
    find_next(&next_free, "free");
    find_next(&next_realloc, "realloc");
    find_next(&next_usable_size, "malloc_usable_size");
}

EXPORT void free(void *memory)
{
    if (!memory || tm__caught_free(memory))
        return;
    free_function *next = (free_function *)find_next(&next_free, "free");
    if (next) /* else dlsym's own few bytes, once */
        next(memory);
}

EXPORT void *realloc(void *memory, size_t size)
{
    void *result;
    if (memory && tm__caught_realloc(memory, size, &result))
        return result;
    realloc_function *next = (realloc_function *)find_next(&next_realloc, "realloc");
    if (next)
        return next(memory, size);
    errno = ENOMEM;
    return NULL;
}

EXPORT void *reallocarray(void *memory, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(memory, bytes);
}

EXPORT size_t malloc_usable_size(void *memory)
{
    size_t size = 0;
    if (!memory || tm__caught_usable_size(memory, &size))
        return size;
    usable_size_function *next = (usable_size_function *)find_next(&next_usable_size, "malloc_usable_size");
    return next ? next(memory) : 0;
}
