/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread's cache: objects of the backend that it freed last, for its next blocks of the same size. The backend has a
 * cache of its own, but it must find out how large an object is, which we know from the header. So most blocks are
 * allocated and freed without a call of the backend, which saves half of the instructions.
 * docs/development/decisions.md says what the cache saves, and what it costs.
 *
 * The objects here belong to no slot: each block was credited when it was freed. The cache has no objects with a guard
 * (with THREADMETER_GUARD threads have no cache), and none of aligned blocks.
 */
#ifndef TM_CACHE_H
#define TM_CACHE_H

#include "base/backend.h"
#include "block/block.h"
#include "base/options.h"
#include "state/slot.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For blocks of up to TM__CACHED_MAX bytes. */
static inline struct tm__bin *tm__bin_for(size_t size)
{
    static_assert(sizeof(struct tm__bin) == TM__ALIGNMENT, "rounding a size up gives the bin's offset");
    return (struct tm__bin *)((char *)tm__thread.cache->bins + ((size + TM__ALIGNMENT - 1) & -(size_t)TM__ALIGNMENT));
}

static inline struct tm__header *tm__linked_object(uint64_t link)
{
    return (struct tm__header *)(uintptr_t)(link >> 16);
}

/* NULL if there is none. */
static inline struct tm__header *tm__take_object(struct tm__bin *bin)
{
    uint64_t first = bin->first;
    if (first == 0)
        return NULL;
    struct tm__header *object = tm__linked_object(first);
    bin->first = object->mark;
    return object;
}

/*
 * Gives the object to the backend, and keeps errno, as POSIX requires of free(): the backend may give pages back to the
 * system, which changes errno if the system refuses. Not inline, so that a caller that ends with this needs no stack
 * frame.
 */
void tm__free_object(void *object);

/* The same for an object whose bin has more objects than it may have: a link was overwritten. */
void tm__free_object_of_damaged_bin(struct tm__bin *bin, struct tm__header *object) __attribute__((cold));

/* Takes the object of a plain block of any size that was just freed. */
static inline void tm__give_back(struct tm__header *object, size_t size)
{
    if (size > TM__CACHED_MAX) {
        tm__free_object(object);
        return;
    }
    struct tm__bin *bin = tm__bin_for(size);
    uint64_t first = bin->first;
    uint16_t count = (uint16_t)first;
    if (__builtin_expect(count >= bin->most, 0)) {
        if (__builtin_expect(count == bin->most, 1)) /* uses the same compare */
            tm__free_object(object);
        else
            tm__free_object_of_damaged_bin(bin, object);
        return;
    }
    object->mark = first;
    bin->first = ((uint64_t)(uintptr_t)object << 16) + count + 1;
}

/*
 * The object for a plain block of at least 1 byte, off the fast path: from the cache, or else from the backend. NULL
 * with ENOMEM.
 */
struct tm__header *tm__object_for(size_t size);

/* Gives the calling thread a cache, if it has none and may have one. Keeps errno. */
void tm__open_cache(void);

/* Called when a bin was empty: a thread that goes on allocating gets a cache. */
static inline void tm__count_uncached(const struct tm__bin *empty)
{
    if (__builtin_expect(empty->most == 0, 0) && ++tm__thread.uncached > tm__cache_after)
        tm__open_cache();
}

#endif
