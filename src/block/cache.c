/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "block/cache.h"
#include "base/backend.h"
#include "block/misuse.h"
#include "threadmeter/malloc.h"

#include <errno.h>

enum {
    BINS = TM__CACHED_MAX / TM__ALIGNMENT + 1,
    MOST_OBJECTS = 64,    /* in a bin */
    MOST_BYTES = 8 << 10, /* in a bin; all bins together have less than a quarter of a MiB */
};

static_assert(sizeof(struct tm__cache) % TM__ALIGNMENT == 0, "a size that backend_round_up() leaves as it is");

/* The fast path makes no blocks of 0 bytes, so their bin has no room. */
static void clear(struct tm__cache *cache)
{
    cache->bins[0] = (struct tm__bin){0};
    for (size_t i = 1; i < BINS; i++) {
        size_t fit = MOST_BYTES / backend_round_up(TM__HEADER + i * TM__ALIGNMENT);
        cache->bins[i] = (struct tm__bin){.most = fit < MOST_OBJECTS ? fit : MOST_OBJECTS};
    }
}

void tm__open_cache(void)
{
    if (!tm__thread.home || tm__thread.exit_rounds > 0)
        return;
    int saved = errno;
    struct tm__cache *cache = backend_malloc(sizeof *cache);
    if (cache && tm__thread.cache == &tm__no_cache) {
        clear(cache);
        tm__thread.cache = cache;
    } else if (cache) { /* a hook of the backend allocated in the meantime */
        backend_free(cache);
    }
    errno = saved;
}

void tm__free_object(void *object)
{
    int *here = &errno, saved = *here;
    backend_free(object);
    *here = saved;
}

/*
 * An overrun that is long enough reaches the next object, and if that is in the cache, its link. It reaches the count
 * in the link first, which malloc does not check. The objects in the bin are lost.
 */
static void report_overrun(struct tm__bin *bin, const struct tm__cache *cache)
{
    size_t most = (size_t)(bin - cache->bins) * TM__ALIGNMENT;
    bin->first = 0;
    tm__report_cache_error(most - TM__ALIGNMENT + 1, most);
}

void tm__free_object_of_damaged_bin(struct tm__bin *bin, struct tm__header *object)
{
    report_overrun(bin, tm__thread.cache);
    tm__free_object(object);
}

struct tm__header *tm__object_for(size_t size)
{
    if (size <= TM__CACHED_MAX) {
        struct tm__bin *bin = tm__bin_for(size);
        struct tm__header *object = tm__take_object(bin);
        if (object)
            return object;
        tm__count_uncached(bin);
    }
    struct tm__header *object = backend_malloc(backend_round_up(TM__HEADER + size));
    if (!object)
        errno = ENOMEM;
    return object;
}

static bool is_link(uint64_t link, uint64_t count)
{
    return (uint16_t)link == count && (link == 0) == (count == 0);
}

static void empty(struct tm__bin *bin, const struct tm__cache *cache)
{
    uint64_t link = bin->first, count = (uint16_t)link;
    bool intact = count <= bin->most && is_link(link, count);
    while (intact && count > 0) {
        struct tm__header *object = tm__linked_object(link);
        link = object->mark;
        intact = is_link(link, --count);
        backend_free(object);
    }
    if (!intact)
        report_overrun(bin, cache);
}

void tm_flush_cache(void)
{
    struct tm__cache *cache = tm__thread.cache;
    if (cache == &tm__no_cache)
        return;
    tm__thread.cache = (struct tm__cache *)&tm__no_cache;
    tm__thread.uncached = 0;
    int saved = errno;
    for (size_t i = 0; i < BINS; i++)
        empty(&cache->bins[i], cache);
    backend_free(cache);
    errno = saved;
}
