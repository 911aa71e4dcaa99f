/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a thread's cache is to the rest of the library: objects that it freed last, for its next blocks of about the same
 * size. The allocator has a cache of its own, but it must find out how large an object is, which we know from the
 * header. So most blocks are allocated and freed without a call of it, which saves half of the instructions; and a
 * thread that allocates what others free gets whole lists from the depot. docs/development/decisions.md says what all
 * this saves, and what it costs.
 *
 * The build chooses: bins.h, or with -Ddepot=disabled none.h, where no block has a class, so that the compiler leaves
 * out all that is for a cache.
 */
#ifndef TM_CACHE_H
#define TM_CACHE_H

#include "base/header.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Objects of one size class, linked by their first words, where the marks were. Each link also has the number of
 * objects from there on: a count of its own would be one more word, and each call would wait until the call before it
 * has stored that.
 */
struct tm__bin {
    uint64_t first; /* a list: address << 16 | count; 0 if it is empty. User space ends below 2^48 */
    uint64_t most;  /* how many objects may be here */
};

struct tm__cache;

/* The cache of a thread that has none: no size has a bin in it. */
extern const struct tm__cache tm__no_cache __attribute__((visibility("hidden")));

/*
 * Defines TM__HAS_CACHES, whether there are any, and inline:
 * size_t tm__object_request(size_t request)       how many bytes the backend is asked for: any object of its class does
 * struct tm__bin *tm__bin_in(cache, size_t size)  the bin for a plain block of so many bytes; NULL: it has none, as 0 has
 * bool tm__lets_wait(cache)                       whether objects wait before they go to their bins
 * tm__let_wait(cache, object, struct tm__bin **)  takes an object and its bin; returns one that has waited, or NULL, and its
 * bool tm__may_refill_bin(cache, bin)             whether tm__refill_bin() is worthwhile
 */
#include TM__CACHE_HEADER

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
    if (!object)
        __builtin_unreachable(); /* clang would look, where the caller does */
    bin->first = object->mark;
    return object;
}

static inline void tm__push_object(struct tm__bin *bin, struct tm__header *object)
{
    uint64_t first = bin->first;
    object->mark = first;
    bin->first = ((uint64_t)(uintptr_t)object << 16) + (uint16_t)first + 1;
}

/* What follows is in bins.c, or none.c. It may change errno. */

/* A set of size classes, a bit each: those in which a list was found broken, since a block before it was overrun. */
typedef uint64_t tm__classes;

/* The largest block of the class in the bin, or of class `class`. */
size_t tm__largest_block(unsigned class);

/* A cache without objects; NULL if there is no memory. */
struct tm__cache *tm__new_cache(void);

/* Ends a cache that no thread has any more. Its objects go to the backend, or where they are many, to the depot. */
tm__classes tm__end_cache(struct tm__cache *cache, bool to_depot);

/* An object for the bin's class, which has none: from the cache's spare list or from the depot. NULL if there is none. */
struct tm__header *tm__refill_bin(struct tm__cache *cache, struct tm__bin *bin);

/*
 * Makes room for an object in its bin, which is full, and keeps it there. Otherwise *object stays as it is, and has to
 * go to the backend.
 */
tm__classes tm__keep_in_full_bin(struct tm__cache *cache, struct tm__bin *bin, struct tm__header **object);

/* From now on objects wait, if the budget allows, or they do not. */
void tm__choose_to_wait(struct tm__cache *cache, bool lets_wait);

/* Gives to the backend what is in the depot; or, of one class after the other, a list that was not needed of late. */
tm__classes tm__empty_depot(void);
tm__classes tm__trim_depot(void);

/* In the child of a fork, whose thread has this cache: nobody else has one, nor is in the depot. */
void tm__caches_after_fork(const struct tm__cache *mine);

#endif
