/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libc's malloc as the backend, or the malloc of a sanitizer or of valgrind in its place. It tells nothing about its
 * objects, and the sanitizer must see each free.
 */
#ifndef TM_BACKEND_LIBC_H
#define TM_BACKEND_LIBC_H

#include <malloc.h>
#include <stdlib.h>

#define TM__BACKEND_ALIGNMENT 16
#define TM__BACKEND_ALLOWS_CACHE 0
#define TM__BACKEND_CACHE_BYTES "THREADMETER_CACHE_BYTES"
#define TM__BACKEND_OVERWRITES SIZE_MAX
#define TM__BACKEND_LARGEST_CLASS ((size_t)256 << 10) /* there are no classes: this limits only realloc's short way */
#define TM__BACKEND_ROOMY_FROM SIZE_MAX
#define TM__BACKEND_OBSERVERS

static inline void *backend_malloc(size_t request)
{
    return malloc(request);
}

static inline void backend_free(void *object)
{
    free(object);
}

/* Exactly as many bytes, so that a checker notices an access to the first byte past the end. */
static inline size_t backend_round_up(size_t request)
{
    return request;
}

static inline bool backend_knows_objects(void)
{
    return false;
}

static inline bool backend_owns(const void *address)
{
    (void)address;
    return false;
}

static inline size_t backend_size_of(const void *object)
{
    (void)object;
    return 0;
}

static inline size_t backend_size_for(size_t request)
{
    return request;
}

static inline bool backend_is_on_grid(const void *address)
{
    (void)address;
    return true;
}

static inline bool backend_may_begin_object(const void *address)
{
    (void)address;
    return true;
}

static inline void backend_after_fork(void)
{
}

/* This is the process's own malloc, so no other allocator uses the break. */
static inline void backend_avoid_brk(void)
{
}

struct backend_heap tm__libc_heap(void);

static inline struct backend_heap backend_heap(void)
{
    return tm__libc_heap();
}

static inline bool backend_give_back(size_t spare)
{
    return malloc_trim(spare);
}

static inline void backend_print_statistics(void)
{
    malloc_stats();
}

static inline int backend_mallopt(int parameter, int value)
{
    return mallopt(parameter, value);
}

#endif
