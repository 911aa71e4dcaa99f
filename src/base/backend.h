/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The allocator underneath: what it must provide, and what the library may use it for. Outside of a backend's own files
 * nothing in the library depends on which allocator it is.
 *
 * tcmalloc (backend_tcmalloc.h) is the default. libc's malloc (backend_libc.h) is for sanitizers and valgrind, which
 * must see each block themselves. The build chooses one of them; CONTRIBUTING.md says how to add another.
 *
 * A backend's header defines the constants below, and each function that is declared here, inline. Longer functions,
 * and those that keep data, are in the .c file of the same name.
 */
#ifndef TM_BACKEND_H
#define TM_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Constants, as macros:
 *
 * TM__BACKEND_ALIGNMENT      An object begins at a multiple of this, if its size came from backend_round_up().
 * TM__BACKEND_ALLOWS_CACHE   1: threads may keep objects that they freed, for their next blocks (cache/cache.h). Then
 *                            any two objects whose requests backend_round_up() makes equal are interchangeable, and it
 *                            rounds up to multiples of the alignment. 0: each free must reach the backend at once.
 * TM__BACKEND_CACHE_BYTES    Name of the environment variable that says how many bytes the backend's own caches may have,
 *                            which then is so for ours, too; or a name that nobody sets.
 * TM__BACKEND_OVERWRITES     Bytes at the beginning of an object that the backend may write to while it is free. A
 *                            double free is recognized by the bytes after these. SIZE_MAX: it may overwrite all.
 * TM__BACKEND_LARGEST_CLASS  Bytes. A larger object has whole pages of its own. The backend writes nothing to these
 *                            pages, and makes no other objects of them before all of them are free. realloc has a
 *                            short way for objects of at most this size.
 * TM__BACKEND_ROOMY_FROM     Bytes. Objects of this size and larger begin at multiples of at least twice the alignment,
 *                            so that none begins directly after the header of an earlier object. From this size on,
 *                            realloc leaves a block in an object of up to twice its size. SIZE_MAX: never.
 * TM__BACKEND_OBSERVERS      Names of environment variables, each followed by a comma. If one of them is set, a tool
 *                            watches the backend, and threads have no cache unless the user asks for one.
 */

/*
 * As malloc and free. backend_malloc() returns NULL if there is no memory. Both may change errno. There is no function
 * for an alignment or for another size: the library makes both from these two.
 */
static inline void *backend_malloc(size_t request);
static inline void backend_free(void *object);

/*
 * The bytes that the library asks backend_malloc() for when it needs `request` bytes. The result is at least `request`,
 * and is always the same for the same request.
 */
static inline size_t backend_round_up(size_t request);

/*
 * Whether the backend can tell its own memory from other memory, also after it was freed. If it can, the next five
 * functions give real answers. If not, backend_owns() may return false for every address, so only true means anything.
 * The answer may depend on how the process was started, but does not change while the process runs.
 */
static inline bool backend_knows_objects(void);

/*
 * True for every address in a live object, at least in the first page of a large one. Never faults on any other
 * address.
 */
static inline bool backend_owns(const void *address);

/*
 * Bytes that the object spans, as the backend knows it, for any address in it; 0 if no object of the backend is there.
 */
static inline size_t backend_size_of(const void *object);

/* Bytes that an object for this request would span. */
static inline size_t backend_size_for(size_t request);

/*
 * Whether an object may begin at an address, judged only by the sizes of the objects around it. This is fast, but it is
 * a guess: it may say true where no object begins, and, in rare cases, false where one does.
 */
static inline bool backend_is_on_grid(const void *address);

/*
 * The same, but false is a proof. This may be slow and may take a lock, so base/objects.h limits how often it is
 * called.
 */
static inline bool backend_may_begin_object(const void *address);

/* Called in the child of a fork, which has no other thread. */
static inline void backend_after_fork(void);

/*
 * Two allocators in one process must not both grow by the break, since sbrk() is not thread-safe. After this call this
 * one does not use the break, if another allocator may. Each thread that attaches calls it, after the backend has
 * returned its first object.
 */
static inline void backend_avoid_brk(void);

/* Numbers of the whole process, in bytes, for tm_mallinfo2(). */
struct backend_heap {
    size_t mapped;     /* all memory that it ever got from the system, given back or not */
    size_t given_back; /* the part of it that went back to the system; the address space stays reserved */
    size_t free_pages; /* memory that it could give back */
    size_t cached;     /* free objects for the next requests, in the caches of threads and in shared ones */
};
static inline struct backend_heap backend_heap(void);

/* Gives free memory back to the system if there is more than `spare` bytes of it. Whether the system got any. */
static inline bool backend_give_back(size_t spare);

/* As malloc_stats() and mallopt(). */
static inline void backend_print_statistics(void);
static inline int backend_mallopt(int parameter, int value);

#include TM__BACKEND_HEADER

#endif
