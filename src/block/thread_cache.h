/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calling thread's cache, see cache/cache.h: where the objects of freed blocks go, and those of new ones come from.
 * The objects in it belong to no slot: each block was credited when it was freed. With THREADMETER_GUARD threads have
 * no cache, so no object in one has a guard.
 */
#ifndef TM_THREAD_CACHE_H
#define TM_THREAD_CACHE_H

#include "base/backend.h"
#include "block/block.h"
#include "cache/cache.h"
#include "state/thread.h"

#include <stddef.h>
#include <stdint.h>

/* NULL: blocks of this size have none, or the thread has no cache. */
static inline struct tm__bin *tm__bin_for(size_t size)
{
    return tm__bin_in(tm__thread.cache, size);
}

/*
 * A thread that goes on calling the backend gets a cache; later it looks, now and then, whether it has many blocks, and
 * after lists in the depot that nobody needs. May change errno.
 */
void tm__look_after_cache(void);

static inline void tm__count_slow_call(void)
{
    if (TM__HAS_CACHES && (++tm__thread.slow_calls % 16 == 0 || tm__thread.cache == &tm__no_cache))
        tm__look_after_cache();
}

/*
 * Gives the object to the backend, and keeps errno, as POSIX requires of free(): the backend may give pages back to the
 * system, which changes errno if the system refuses. Not inline, so that a caller that ends with this needs no stack
 * frame.
 */
void tm__free_object(void *object);

/* The same for an object that has no bin: perhaps the thread is to have a cache. */
void tm__free_without_bin(void *object);

/* The same for an object whose bin is full: perhaps room can be made. NULL: there is none, since none has waited. */
void tm__free_to_full_bin(struct tm__bin *bin, struct tm__header *object);

/* Takes the object of a block that was just freed; NULL: it has no bin in this cache, the calling thread's. */
static inline void tm__give_back_to(struct tm__cache *cache, struct tm__bin *bin, struct tm__header *object)
{
    if (!bin) {
        tm__free_without_bin(object);
        return;
    }
    if (tm__lets_wait(cache))
        object = tm__let_wait(cache, object, &bin);
    if (__builtin_expect((uint16_t)bin->first >= bin->most, 0))
        tm__free_to_full_bin(bin, object);
    else
        tm__push_object(bin, object);
}

/* The same for the object of an unaligned block of any size. */
static inline void tm__give_back(struct tm__header *object, size_t size)
{
    struct tm__cache *cache = tm__thread.cache;
    tm__give_back_to(cache, tm__bin_in(cache, size), object);
}

/*
 * The object for a plain block of at least 1 byte, off the fast path: from the cache, or else from the backend. NULL
 * with ENOMEM.
 */
struct tm__header *tm__object_for(size_t size);

/* The same where the bin for it is empty. */
struct tm__header *tm__object_for_empty_bin(struct tm__bin *bin, size_t size);

/* Gives the calling thread a cache, if it has none and may have one. Keeps errno. */
void tm__open_cache(void);

/* The calling thread has no cache from now on, and leaves its objects to other threads. Keeps errno. */
void tm__leave_cache(void);

#endif
