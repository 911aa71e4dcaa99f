/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "cache.h"
#include "backend.h"
#include "threadmeter/malloc.h"

#include <errno.h>

enum {
    BINS = TM__CACHED_MAX / TM__ALIGNMENT + 1,
    MOST_OBJECTS = 64,    /* in a bin */
    MOST_BYTES = 8 << 10, /* in a bin; less than a quarter of a MiB in all */
};

static_assert(sizeof(struct tm__cache) % TM__ALIGNMENT == 0, "what is asked of the backend, see backend_round_up()");

const struct tm__cache tm__no_cache;

/* Blocks of 0 bytes are not made on the fast path, so their bin stays shut. */
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
    if (!tm__thread.home || tm__thread.exits)
        return;
    int saved = errno;
    struct tm__cache *cache = backend_malloc(sizeof *cache);
    if (cache && tm__thread.cache == &tm__no_cache) {
        clear(cache);
        tm__thread.cache = cache;
    } else if (cache) { /* the backend called somebody, a hook of its, who allocated meanwhile */
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

void tm_flush_cache(void)
{
    struct tm__cache *cache = tm__thread.cache;
    if (cache == &tm__no_cache)
        return;
    tm__thread.cache = (struct tm__cache *)&tm__no_cache;
    tm__thread.uncached = 0;
    int saved = errno;
    for (size_t i = 0; i < BINS; i++)
        for (uint64_t link = cache->bins[i].first, next; link != 0; link = next) {
            struct tm__header *object = tm__linked_object(link);
            next = object->mark;
            backend_free(object);
        }
    backend_free(cache);
    errno = saved;
}
