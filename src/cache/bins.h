/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread's cache: for each size class a bin and a spare list. */
#ifndef TM_BINS_H
#define TM_BINS_H

#include "cache/depot.h"
#include "cache/size_class.h"

enum { TM__CACHED_MAX = TM__LARGEST_CLASS - TM__HEADER }; /* bytes of the largest block that has a class */

struct tm__cache {
    struct tm__bin bins[TM__CLASSES];
    /* Where the bin is for each size, rounded up to a multiple of 16: bytes from the beginning of the cache. */
    uint16_t offsets[TM__CACHED_MAX / TM__ALIGNMENT + 1];
    uint64_t spares[TM__CLASSES]; /* lists that were full; 0: none */
    uint64_t granted;             /* bytes by which the lists may be longer than they were in the beginning */
};

static inline size_t tm__object_request(size_t request)
{
    return request <= TM__LARGEST_CLASS ? tm__class_bytes(tm__class_of(request)) : backend_round_up(request);
}

static inline struct tm__bin *tm__bin_in(struct tm__cache *cache, size_t size)
{
    size_t units = (size + TM__ALIGNMENT - 1) / TM__ALIGNMENT;
    __asm__("" : "+r"(units)); /* else gcc compares the size, too, which takes it an instruction more */
    return units <= TM__CACHED_MAX / TM__ALIGNMENT ? (struct tm__bin *)((char *)cache + cache->offsets[units]) : NULL;
}

/*
 * TM__CLASSES or more if the bin is none of this cache: a signal handler may have opened the thread's cache, or flushed
 * it, since the bin was looked up.
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
