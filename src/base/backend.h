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

#include "base/tcmalloc/ranges.h"

/* What spans more has whole pages of its own. */
enum { BACKEND_MOST_IN_CLASS = 256 << 10 };

#ifdef TM_BACKEND_LIBC

#include <stdlib.h>

#define backend_malloc malloc
#define backend_free free

/* Whether a thread may keep freed objects for its next blocks: no, for the sanitizers are to see each free. */
static inline bool backend_leaves_objects(void)
{
    return false;
}

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

static inline struct tm__range backend_find_range(const void *address)
{
    (void)address;
    return (struct tm__range){.has_list = false};
}

static inline size_t backend_round_up(size_t request)
{
    return request;
}

static inline void backend_avoid_brk(void)
{
}

#else

#include <gperftools/malloc_extension_c.h>
#include <gperftools/nallocx.h>
#include <gperftools/tcmalloc.h>

#include "base/tcmalloc/system_memory.h"

#define backend_malloc tc_malloc
#define backend_free tc_free
#define backend_avoid_brk tm__avoid_brk
#define backend_find_range tm__find_range

static inline bool backend_leaves_objects(void)
{
    return true;
}

/*
 * Not so of tcmalloc's debug library, in whose place it may be preloaded. That has an object of each size, overwrites all
 * that is freed, and reads what stands before each pointer that it is asked of, which crashes if that is none of its own.
 * (Under valgrind nothing is tcmalloc's, and it does not say so of NULL either.)
 */
static inline bool backend_knows_objects(void)
{
    return MallocExtension_GetEstimatedAllocatedSize(1) != 1 ||
           MallocExtension_GetOwnership(NULL) == MallocExtension_kUnknownOwnership;
}

/*
 * True of every address in an object or in the first page of a large one; never faults. Where the backend does not know
 * objects, only of its own live ones.
 */
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

/* Of the whole process, in bytes. */
struct backend_heap {
    size_t mapped;     /* that it ever had of the system */
    size_t given_back; /* of these, to the system; the address space stays */
    size_t free_pages; /* that it could give back */
    size_t cached;     /* free objects for the next requests, of threads and of all */
};

static inline size_t backend_property(const char *name)
{
    size_t value = 0;
    return MallocExtension_GetNumericProperty(name, &value) ? value : 0;
}

static inline struct backend_heap backend_heap(void)
{
    return (struct backend_heap){
        .mapped = backend_property("generic.heap_size"),
        .given_back = backend_property("tcmalloc.pageheap_unmapped_bytes"),
        .free_pages = backend_property("tcmalloc.pageheap_free_bytes"),
        .cached = backend_property("tcmalloc.thread_cache_free_bytes") +
                  backend_property("tcmalloc.central_cache_free_bytes") +
                  backend_property("tcmalloc.transfer_cache_free_bytes"),
    };
}

/*
 * What the calling thread's cache holds goes back, and all free pages to the system, if they are more than `spare` bytes.
 * Whether the system got any. (tcmalloc gives no less than a whole run of free pages, so it cannot be asked for a part.)
 */
static inline bool backend_give_back(size_t spare)
{
    size_t before = backend_heap().given_back;
    MallocExtension_MarkThreadIdle();
    if (backend_heap().free_pages > spare)
        MallocExtension_ReleaseFreeMemory();
    return backend_heap().given_back > before;
}

#define backend_print_statistics tc_malloc_stats
#define backend_mallopt tc_mallopt

#endif

#endif
