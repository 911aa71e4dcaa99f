/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The allocator underneath: the only file that names it.
 *
 * tcmalloc is the product. The libc backend exists for the sanitizers and for valgrind, which must see every block
 * themselves.
 */
#ifndef TM_BACKEND_H
#define TM_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

/* What spans more begins at a page and has whole pages of its own. */
enum { BACKEND_MOST_IN_CLASS = 256 << 10 };

#ifdef TM_BACKEND_LIBC

#include <stdlib.h>

#define backend_malloc malloc
#define backend_free free

/* Whether what follows is more than a guess. */
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

static inline size_t backend_round_up(size_t request)
{
    return request;
}

static inline void backend_keep_off_the_break(void)
{
}

#else

#include <gperftools/malloc_extension_c.h>
#include <gperftools/nallocx.h>
#include <gperftools/tcmalloc.h>

#include "system_memory.h"

#define backend_malloc tc_malloc
#define backend_free tc_free
#define backend_keep_off_the_break tm__keep_off_the_break

static inline bool backend_knows_objects(void)
{
    return true;
}

/* True of every address in an object or in the first page of a large one; never faults. */
static inline bool backend_owns(const void *address)
{
    return MallocExtension_GetOwnership(address) == MallocExtension_kOwned;
}

/*
 * Bytes that the object at this address spans; 0 if it is none of the backend's, on which tcmalloc itself would abort.
 * Under valgrind its objects are valgrind's.
 */
static inline size_t backend_size_of(const void *object)
{
    return backend_owns(object) ? MallocExtension_GetAllocatedSize(object) : 0;
}

/* Bytes that an object made for this request would span. Under its plain name jemalloc, too, answers that: for itself. */
static inline size_t backend_size_for(size_t request)
{
    return tc_nallocx(request, 0);
}

/*
 * What is asked for, always, for two reasons. Objects for requests that round up to the same multiple of 16 may stand for
 * each other, whatever sizes there are. And they begin at a multiple of 16, also where tcmalloc was built for an alignment
 * of 8: there it keeps that for multiples of 16 alone. (In Debian's build all sizes from 16 on are such: it makes no
 * object larger there.)
 */
static inline size_t backend_round_up(size_t request)
{
    return (request + 15) & -(size_t)16;
}

#endif

#endif
