/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * This tells valgrind's memcheck, and the address sanitizer, what a block is: the user's bytes. Only the library may
 * touch the bytes around them in the object, first of all the header. This is used only where each free reaches the
 * backend: a block in a thread's cache would be neither live nor free to them.
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

/* Whether only functions marked for it (TM__PEEKS) may read headers. Then the fast path, which is not, is left out. */
static inline bool tm__has_redzones(void)
{
    return true;
}

/* Protects the bytes between the object's base and the user's bytes, and those after them up to the object's end. */
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

static inline void tm__report_freed_again(const void *user)
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

/* A memory pool, because memcheck describes an address by its pool before it looks at the malloc underneath. */
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
    VALGRIND_MAKE_MEM_UNDEFINED(user, size); /* a pool stores sizes in 32 bits only */
}

static inline void tm__remove_redzones(void *base, void *user, size_t size, void *end)
{
    VALGRIND_MEMPOOL_FREE(&tm__pool, user);
    VALGRIND_MAKE_MEM_DEFINED(base, (size_t)((char *)user - (char *)base));
    VALGRIND_MAKE_MEM_DEFINED((char *)user + size, (size_t)((char *)end - (char *)user) - size);
}

/* Frees it in the pool again, which memcheck reports together with the place of the first free. */
static inline void tm__report_freed_again(const void *user)
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

static inline void tm__report_freed_again(const void *user)
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
