/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bin's list and the spare list of its class take turns: a thread that allocates and frees in any order goes to the
 * depot, at most, once for each list's length of calls. Lists grow from nothing, by a budget that all threads
 * share: many threads that do little hold little, and few busy ones have long lists. A list does not get shorter before
 * its thread exits or flushes its cache.
 */
#define _GNU_SOURCE
#include "cache/cache.h"
#include "base/backend.h"
#include "base/options.h"
#include "cache/depot.h"

#include <assert.h>
#include <stdatomic.h>

enum {
    MOST_OBJECTS = 64, /* in a list */
    MOST_BYTES = 64 << 10,
    SHORT_BYTES = 1 << 10,
    WAITING_BYTES = TM__WAITING * TM__LARGEST_CLASS,
};

const struct tm__cache tm__no_cache;

static_assert(TM__CLASSES <= 64, "a set of classes is a word");
static_assert(sizeof(struct tm__cache) <= UINT16_MAX, "its offsets fit");

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t tm__largest_block(unsigned class)
{
    return tm__class_bytes(class) - TM__HEADER;
}

static size_t most_in(unsigned class)
{
    return least(MOST_OBJECTS, MOST_BYTES / tm__class_bytes(class));
}

/* ---- the budget ---- */

/* Bytes that all lists together may have. Relaxed: a sum, which orders nothing. */
static _Atomic uint64_t granted;

static uint64_t budget(void)
{
    return atomic_load_explicit(&tm__cache_bytes, memory_order_relaxed) / 2;
}

static bool grant(struct tm__cache *cache, uint64_t bytes, uint64_t most)
{
    if (atomic_load_explicit(&granted, memory_order_relaxed) + bytes > most) /* cheaper, where it is used up for long */
        return false;
    if (atomic_fetch_add_explicit(&granted, bytes, memory_order_relaxed) + bytes <= most) {
        cache->granted += bytes;
        return true;
    }
    atomic_fetch_sub_explicit(&granted, bytes, memory_order_relaxed);
    return false;
}

/*
 * The lists of this bin may be longer from now on, if the budget allows. A thread's long lists have an eighth of it, at
 * most, and the last quarter is for short ones: else a few threads with blocks of all sizes left nothing to the others.
 */
static void lengthen(struct tm__cache *cache, struct tm__bin *bin)
{
    unsigned class = (unsigned)tm__class_of_bin(cache, bin);
    size_t more = least(bin->most + 1, most_in(class) - bin->most), size = tm__class_bytes(class);
    uint64_t bytes = 2 * more * size, most = budget(), mine = cache->granted - (cache->may_wait ? WAITING_BYTES : 0);
    bool is_short = (bin->most + more) * size <= SHORT_BYTES;
    bool allowed = more > 0 && (is_short || mine + bytes <= most / 8);
    if (allowed && grant(cache, bytes, is_short ? most : most / 4 * 3))
        bin->most += more;
}

/* ---- lists ---- */

static bool is_link(uint64_t link, uint64_t count)
{
    return (uint16_t)link == count && (link == 0) == (count == 0);
}

/*
 * An overrun that is long enough reaches the next object, and if that is in a list, its link. It reaches the count in
 * the link first, which malloc does not check. The objects that are still in the list are lost. The result is false.
 */
static bool free_list(uint64_t list, unsigned class)
{
    uint64_t count = (uint16_t)list;
    bool intact = count <= most_in(class) && is_link(list, count);
    while (intact && count > 0) {
        struct tm__header *object = tm__linked_object(list);
        list = object->mark;
        intact = is_link(list, --count);
        backend_free(object);
    }
    return intact;
}

static tm__classes set_if(bool broken, unsigned class)
{
    return (tm__classes)broken << class;
}

/* ---- a cache ---- */

/* The bin of class 0, which no block has, stays without room: until something has waited, nothing is put there. */
struct tm__cache *tm__new_cache(void)
{
    struct tm__cache *cache = backend_malloc(backend_round_up(sizeof *cache));
    if (!cache)
        return NULL;
    *cache = (struct tm__cache){.places = TM__CACHED_MAX / TM__ALIGNMENT};
    for (unsigned i = 0; i < TM__WAITING; i++)
        cache->waiting[i].bin = cache->bins;
    for (unsigned i = 0; i < TM__CACHED_MAX / TM__ALIGNMENT; i++)
        cache->offsets[i] = (uint16_t)(tm__class_of(TM__HEADER + (i + 1) * TM__ALIGNMENT) * sizeof(struct tm__bin));
    return cache;
}

static bool give_list_up(uint64_t list, unsigned class, bool to_depot)
{
    return list == 0 || (to_depot && tm__depot_put(class, list)) || free_list(list, class);
}

tm__classes tm__end_cache(struct tm__cache *cache, bool to_depot)
{
    tm__classes broken = 0;
    for (unsigned i = 0; i < TM__WAITING; i++)
        backend_free(cache->waiting[i].object);
    for (unsigned class = TM__FIRST_CLASS; class < TM__CLASSES; class ++) {
        struct tm__bin bin = cache->bins[class];
        bool is_long = (uint16_t)bin.first * 2 >= bin.most;
        bool intact = give_list_up(bin.first, class, to_depot && is_long);
        broken |= set_if(!give_list_up(cache->spares[class], class, to_depot) || !intact, class);
    }
    atomic_fetch_sub_explicit(&granted, cache->granted, memory_order_relaxed);
    backend_free(cache);
    return broken;
}

struct tm__header *tm__refill_bin(struct tm__cache *cache, struct tm__bin *bin)
{
    unsigned class = (unsigned)tm__class_of_bin(cache, bin);
    uint64_t list = cache->spares[class];
    if (list != 0) {
        cache->spares[class] = 0;
    } else {
        /* A list of others may be no longer than this thread's own: else the budget bounds nothing. */
        lengthen(cache, bin);
        if (bin->most > 0)
            list = tm__depot_take(class, bin->most);
    }
    bin->first = list;
    return tm__take_object(bin);
}

tm__classes tm__keep_in_full_bin(struct tm__cache *cache, struct tm__bin *bin, struct tm__header **object)
{
    size_t number = tm__class_of_bin(cache, bin);
    if (number < TM__FIRST_CLASS || number >= TM__CLASSES)
        return 0; /* nothing has waited yet; or the bin of another cache */
    unsigned class = (unsigned)number;
    if ((uint16_t)bin->first > most_in(class)) {
        bin->first = 0;
        return set_if(true, class);
    }
    lengthen(cache, bin);
    if (bin->most == 0)
        return 0;
    bool intact = true;
    if ((uint16_t)bin->first >= bin->most) { /* still: it has all that it may have */
        /* If the depot is full, the backend gets all of a list, so that the next frees are fast, and what is kept warm. */
        intact = give_list_up(cache->spares[class], class, true);
        cache->spares[class] = bin->first;
        bin->first = 0;
    }
    tm__push_object(bin, *object);
    *object = NULL;
    return set_if(!intact, class);
}

/* What has waited stays, so its part of the budget is never given back. */
void tm__choose_to_wait(struct tm__cache *cache, bool lets_wait)
{
    if (lets_wait && !cache->may_wait)
        cache->may_wait = grant(cache, WAITING_BYTES, budget() / 4 * 3);
    cache->lets_wait = lets_wait && cache->may_wait;
}

void tm__caches_after_fork(const struct tm__cache *mine)
{
    atomic_store_explicit(&granted, mine->granted, memory_order_relaxed);
    tm__depot_after_fork();
}

/* ---- the depot's lists ---- */

tm__classes tm__empty_depot(void)
{
    tm__classes broken = 0;
    for (unsigned class = TM__FIRST_CLASS; class < TM__CLASSES; class ++)
        for (uint64_t list; (list = tm__depot_take(class, UINT16_MAX)) != 0;)
            broken |= set_if(!free_list(list, class), class);
    return broken;
}

tm__classes tm__trim_depot(void)
{
    static _Atomic unsigned last; /* relaxed: which class comes next does not matter */
    unsigned turn = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed);
    unsigned class = TM__FIRST_CLASS + turn % (TM__CLASSES - TM__FIRST_CLASS);
    uint64_t list = tm__depot_take_idle(class);
    return set_if(!free_list(list, class), class);
}
