/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread's cache: for each size class a bin and a spare list. */
#ifndef TM_BINS_H
#define TM_BINS_H

#include "cache/depot.h"
#include "cache/size_class.h"

#include <assert.h>

enum { TM__HAS_CACHES = 1 };

enum { TM__CACHED_MAX = TM__LARGEST_CLASS - TM__HEADER }; /* bytes of the largest block that has a class */

/*
 * Where a thread has many blocks, the object of one that was freed waits until some more are freed, before it goes to its
 * bin. Which bin that is, its header says, which is not in the processor's caches then. Until it comes from memory the
 * processor would not know where the free stores, and would hold back loads of the next malloc. So the object and its bin
 * are stored here, at an address that is known, and go on when both have long been read.
 */
struct tm__waiting {
    struct tm__header *object; /* NULL in the beginning */
    struct tm__bin *bin;
    uint64_t unused[6];
};

enum {
    TM__WAITING = 4,                               /* objects; 2 to 16 are about as fast */
    TM__NEXT_WAITING = sizeof(struct tm__waiting), /* bytes; added to a uint8_t, it returns to 0 by itself */
};
static_assert(TM__WAITING * TM__NEXT_WAITING == 256, "so it returns after the last");

struct tm__cache {
    struct tm__bin bins[TM__CLASSES];
    /* Where the bin is for each size, of which 16 have the same: bytes from the beginning of the cache. */
    uint16_t offsets[TM__CACHED_MAX / TM__ALIGNMENT];
    uint64_t places;      /* how many of them there are: none in tm__no_cache */
    bool lets_wait;       /* each object, whatever its bin is: sizes at random would make a branch on the bin slow */
    bool may_wait;        /* the budget has allowed it */
    uint8_t next_waiting; /* which one has waited for longest: bytes from the first */
    struct tm__waiting waiting[TM__WAITING];
    uint64_t spares[TM__CLASSES]; /* lists that were full; 0: none */
    uint64_t granted;             /* bytes by which the lists may be longer than they were in the beginning */
};

static inline size_t tm__object_request(size_t request)
{
    return request <= TM__LARGEST_CLASS ? tm__class_bytes(tm__class_of(request)) : backend_round_up(request);
}

static inline struct tm__bin *tm__bin_in(struct tm__cache *cache, size_t size)
{
    size_t place = (size - 1) / TM__ALIGNMENT;
    return place < cache->places ? (struct tm__bin *)((char *)cache + cache->offsets[place]) : NULL;
}

static inline bool tm__lets_wait(const struct tm__cache *cache)
{
    return cache->lets_wait;
}

static inline struct tm__header *tm__let_wait(struct tm__cache *cache, struct tm__header *object, struct tm__bin **bin)
{
    unsigned at = cache->next_waiting; /* which is changed first: a signal handler that frees uses another one then */
    __asm__("" : "+m"(cache->next_waiting)); /* else gcc adds in a register, in two instructions more */
    cache->next_waiting += TM__NEXT_WAITING;
    struct tm__waiting *waiting = (struct tm__waiting *)((char *)cache->waiting + at);
    struct tm__header *waited = waiting->object;
    struct tm__bin *its_bin = waiting->bin;
    waiting->object = object;
    waiting->bin = *bin;
    *bin = its_bin;
    return waited;
}

/*
 * TM__CLASSES or more if the bin is none of this cache: a signal handler may have flushed the thread's cache since the bin
 * was looked up, and opened another.
 */
static inline size_t tm__class_of_bin(const struct tm__cache *cache, const struct tm__bin *bin)
{
    return ((uintptr_t)bin - (uintptr_t)cache->bins) / sizeof *bin;
}

static inline bool tm__may_refill_bin(const struct tm__cache *cache, const struct tm__bin *bin)
{
    size_t class = tm__class_of_bin(cache, bin);
    return class < TM__CLASSES && (cache->spares[class] != 0 || tm__depot_has((unsigned)class));
}

#endif
