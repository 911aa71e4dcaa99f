/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The allocator underneath: what it must give, and what it may be used for. Nothing else in here knows which one it is.
 *
 * tcmalloc (backend_tcmalloc.h) is the product. libc's malloc (backend_libc.h) is for sanitizers and valgrind, which must
 * see each block themselves. The build takes one of them; CONTRIBUTING.md says how to add another.
 *
 * A backend's header defines the constants below, and each function that is declared here, in line. What is longer, or
 * keeps something, stands in the .c file of the same name.
 */
#ifndef TM_BACKEND_H
#define TM_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Constants, as macros:
 *
 * TM__BACKEND_ALIGNMENT      An object begins at a multiple of this, if backend_round_up() said how much to ask for.
 * TM__BACKEND_ALLOWS_CACHE   1: threads may keep objects that they freed, for their next blocks (block/cache.h). Then
 *                            objects for requests that backend_round_up() makes the same of stand for each other, and it
 *                            rounds up to multiples of the alignment. 0: each free is to reach the backend at once.
 * TM__BACKEND_OVERWRITES     Bytes at the beginning of an object that the backend may write to while it is free. In what
 *                            follows, a block that is freed twice is found; SIZE_MAX: nothing of it is left as it was.
 * TM__BACKEND_LARGEST_CLASS  Bytes. A larger object has whole pages of its own, to which the backend writes nothing, and
 *                            is not cut into others before these pages are all free. realloc is short up to this size.
 * TM__BACKEND_ROOMY_FROM     Bytes. Objects of so many and more begin at multiples of twice the alignment, at least, so
 *                            that none begins at once after the header of what was one before. From here on realloc
 *                            leaves a block in an object of up to twice its size. SIZE_MAX: never.
 * TM__BACKEND_OBSERVERS      Names of environment variables, each with a comma after it. Where one is set somebody
 *                            watches the backend, and threads have no cache, if the user does not say otherwise.
 */

/* As malloc and free: NULL if there is no memory, and errno is anybody's. Never called for an alignment, nor to resize. */
static inline void *backend_malloc(size_t request);
static inline void backend_free(void *object);

/* The bytes to ask backend_malloc() for, always, where so many are needed. A constant of the request, and no less. */
static inline size_t backend_round_up(size_t request);

/*
 * Whether it can tell its own memory from other, also of what was freed: then the next six answer. Else backend_owns() may
 * say false of all, and is believed only of what is the backend's. May change with how the process was started, but not
 * in its life.
 */
static inline bool backend_knows_objects(void);

/* Of every address in a live object, at least in the first page of a large one; never faults on any other. */
static inline bool backend_owns(const void *address);

/* Bytes that the object spans, as the backend knows it, at whatever address in it; 0 if it is none of the backend's. */
static inline size_t backend_size_of(const void *object);

/* Bytes that an object made for this request would span. */
static inline size_t backend_size_for(size_t request);

/*
 * Whether an object may begin at an address, by the sizes alone of those about it. At once; it may say true where none
 * does, and false of one, as a rare exception.
 */
static inline bool backend_is_on_grid(const void *address);

/* The same for certain: false is a proof. It may take long, and may call for a lock; base/objects.h asks no more often. */
static inline bool backend_may_begin_object(const void *address);

/* In a fork's child, in which no other thread is. */
static inline void backend_after_fork(void);

/*
 * Two allocators in one process cannot both grow by the break, since sbrk() is not thread-safe: from here on this one does
 * not, if another may. Called in each thread that attaches, once the backend has given an object.
 */
static inline void backend_avoid_brk(void);

/* Of the whole process, in bytes; for tm_mallinfo2(). */
struct backend_heap {
    size_t mapped;     /* that it ever had of the system, or has */
    size_t given_back; /* of these, to the system; the address space stays */
    size_t free_pages; /* that it could give back */
    size_t cached;     /* free objects for the next requests, of threads and of all */
};
static inline struct backend_heap backend_heap(void);

/* Free memory goes back to the system, if that is more than `spare` bytes. Whether the system got any. */
static inline bool backend_give_back(size_t spare);

/* As malloc_stats() and mallopt(). */
static inline void backend_print_statistics(void);
static inline int backend_mallopt(int parameter, int value);

#include TM__BACKEND_HEADER

#endif
