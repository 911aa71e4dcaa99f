/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gperftools' tcmalloc as the backend. It cuts runs of pages, "spans", into objects of one size class each, and links
 * free objects by their first words. Larger objects are made of whole pages.
 */
#ifndef TM_BACKEND_TCMALLOC_H
#define TM_BACKEND_TCMALLOC_H

#include <gperftools/malloc_extension_c.h>
#include <gperftools/nallocx.h>
#include <gperftools/tcmalloc.h>

#include "base/tcmalloc/system_memory.h"

#define TM__BACKEND_ALIGNMENT 16
#define TM__BACKEND_ALLOWS_CACHE 1
#define TM__BACKEND_CACHE_BYTES "TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES"
#define TM__BACKEND_OVERWRITES sizeof(void *) /* the link to the next free object */
#define TM__BACKEND_LARGEST_CLASS ((size_t)256 << 10)
#define TM__BACKEND_ROOMY_FROM ((size_t)1024) /* from here on classes, and offsets in a span, are multiples of 128 */
#define TM__BACKEND_OBSERVERS "HEAPPROFILE", "HEAPCHECK", /* gperftools' heap profiler and heap checker */

static inline void *backend_malloc(size_t request)
{
    return tc_malloc(request);
}

static inline void backend_free(void *object)
{
    tc_free(object);
}

/*
 * Objects whose requests round up to the same multiple of 16 are interchangeable, whatever the size classes are. They
 * also begin at a multiple of 16, even where tcmalloc was built for an alignment of 8: such a build aligns to 16 only
 * sizes that are multiples of 16. (In Debian's build all size classes from 16 on are such multiples, so this costs no
 * memory there.)
 */
static inline size_t backend_round_up(size_t request)
{
    return (request + TM__BACKEND_ALIGNMENT - 1) & -(size_t)TM__BACKEND_ALIGNMENT;
}

/*
 * False for tcmalloc's debug library, which may be preloaded in place of tcmalloc. It makes an object of each size,
 * overwrites all that is freed, and reads the bytes before each pointer that it is asked about, which crashes if the
 * pointer is not its own. (Under valgrind nothing belongs to tcmalloc, and its answer for NULL is unknown, too.)
 */
static inline bool backend_knows_objects(void)
{
    return MallocExtension_GetEstimatedAllocatedSize(1) != 1 ||
           MallocExtension_GetOwnership(NULL) == MallocExtension_kUnknownOwnership;
}

static inline bool backend_owns(const void *address)
{
    return MallocExtension_GetOwnership(address) == MallocExtension_kOwned;
}

/* tcmalloc itself would abort if asked about memory of others. Under valgrind the objects are valgrind's. */
static inline size_t backend_size_of(const void *object)
{
    return backend_owns(object) ? MallocExtension_GetAllocatedSize(object) : 0;
}

/* Not plain nallocx(): jemalloc has a function of that name, too, which would answer for jemalloc. */
static inline size_t backend_size_for(size_t request)
{
    return tc_nallocx(request, 0);
}

bool tm__tcmalloc_is_on_grid(const void *address);
bool tm__tcmalloc_may_begin_object(const void *address);
void tm__tcmalloc_after_fork(void);
struct backend_heap tm__tcmalloc_heap(void);
bool tm__tcmalloc_give_back(size_t spare);

static inline bool backend_is_on_grid(const void *address)
{
    return tm__tcmalloc_is_on_grid(address);
}

static inline bool backend_may_begin_object(const void *address)
{
    return tm__tcmalloc_may_begin_object(address);
}

static inline void backend_after_fork(void)
{
    tm__tcmalloc_after_fork();
}

static inline void backend_avoid_brk(void)
{
    tm__avoid_brk();
}

static inline struct backend_heap backend_heap(void)
{
    return tm__tcmalloc_heap();
}

static inline bool backend_give_back(size_t spare)
{
    return tm__tcmalloc_give_back(spare);
}

static inline void backend_print_statistics(void)
{
    tc_malloc_stats();
}

static inline int backend_mallopt(int parameter, int value)
{
    return tc_mallopt(parameter, value);
}

#endif
