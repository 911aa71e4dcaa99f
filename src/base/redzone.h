/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * valgrind's memcheck, and an address sanitizer, are told what a block is: the user's bytes. What lies around them in
 * the object, our header first, may not be touched but by us. Only where each free reaches the backend: a block in a
 * thread's cache would be neither.
 */
#ifndef TM_REDZONE_H
#define TM_REDZONE_H

#include "base/backend.h"
#include "base/sanitizers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if !TM__BACKEND_ALLOWS_CACHE && defined(TM__ASAN)

#include <sanitizer/asan_interface.h>

/* Whether headers may be read in functions that are made for it only: the fast path is none. */
static inline bool tm__has_redzones(void)
{
    return true;
}

/* Between the object's base and the user's bytes, and from their end to the object's. */
static inline void tm__make_redzones(void *base, void *user, size_t size, void *end)
{
    __asan_poison_memory_region(base, (size_t)((char *)user - (char *)base));
    __asan_poison_memory_region((char *)user + size, (size_t)((char *)end - (char *)user) - size);
}

static inline void tm__remove_redzones(void *base, void *user, size_t size, void *end)
{
    (void)user, (void)size;
    __asan_unpoison_memory_region(base, (size_t)((char *)end - (char *)base));
}

static inline void tm__say_freed_again(const void *user)
{
    (void)user;
}

static inline void tm__begin_peek(void)
{
}

static inline void tm__end_peek(void)
{
}

#elif defined(TM_MEMCHECK)

#include <valgrind/memcheck.h>

/* Of a pool, since memcheck describes an address by that before it looks at the malloc beneath. */
extern char tm__pool __attribute__((visibility("hidden")));
void tm__make_pool(void) __attribute__((visibility("hidden")));

static inline bool tm__has_redzones(void)
{
    return RUNNING_ON_VALGRIND;
}

static inline void tm__make_redzones(void *base, void *user, size_t size, void *end)
{
    tm__make_pool();
    VALGRIND_MAKE_MEM_NOACCESS(base, (size_t)((char *)end - (char *)base));
    VALGRIND_MEMPOOL_ALLOC(&tm__pool, user, size);
    VALGRIND_MAKE_MEM_UNDEFINED(user, size); /* a pool knows sizes of 32 bits only */
}

static inline void tm__remove_redzones(void *base, void *user, size_t size, void *end)
{
    VALGRIND_MEMPOOL_FREE(&tm__pool, user);
    VALGRIND_MAKE_MEM_DEFINED(base, (size_t)((char *)user - (char *)base));
    VALGRIND_MAKE_MEM_DEFINED((char *)user + size, (size_t)((char *)end - (char *)user) - size);
}

/* memcheck knows where it was freed first. */
static inline void tm__say_freed_again(const void *user)
{
    VALGRIND_MEMPOOL_FREE(&tm__pool, user);
}

static inline void tm__begin_peek(void)
{
    VALGRIND_DISABLE_ERROR_REPORTING;
}

static inline void tm__end_peek(void)
{
    VALGRIND_ENABLE_ERROR_REPORTING;
}

#else

static inline bool tm__has_redzones(void)
{
    return false;
}

static inline void tm__make_redzones(void *base, void *user, size_t size, void *end)
{
    (void)base, (void)user, (void)size, (void)end;
}

static inline void tm__remove_redzones(void *base, void *user, size_t size, void *end)
{
    (void)base, (void)user, (void)size, (void)end;
}

static inline void tm__say_freed_again(const void *user)
{
    (void)user;
}

static inline void tm__begin_peek(void)
{
}

static inline void tm__end_peek(void)
{
}

#endif

#endif
