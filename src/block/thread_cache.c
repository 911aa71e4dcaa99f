/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "block/thread_cache.h"
#include "base/backend.h"
#include "base/options.h"
#include "block/misuse.h"
#include "state/slot.h"
#include "threadmeter/malloc.h"

#include <errno.h>

static struct tm__cache *const no_cache = (struct tm__cache *)&tm__no_cache;

void tm__open_cache(void)
{
    if (!tm__thread.home || tm__thread.exit_rounds > 0)
        return;
    int saved = errno;
    struct tm__cache *cache = tm__new_cache();
    if (cache && tm__thread.cache == no_cache)
        tm__thread.cache = cache;
    else if (cache) /* a hook of the backend allocated in the meantime */
        tm__end_cache(cache, false);
    errno = saved;
}

void tm__free_object(void *object)
{
    int *here = &errno, saved = *here;
    backend_free(object);
    *here = saved;
}

static void report_overruns(tm__classes broken)
{
    for (unsigned class; broken != 0; broken &= broken - 1) {
        class = (unsigned)__builtin_ctzll(broken);
        tm__report_cache_error(tm__largest_block(class - 1) + 1, tm__largest_block(class));
    }
}

/*
 * What fits into a processor's first cache is 32 to 48 KiB. A thread with less than about that has headers which are
 * read at once, and its blocks' objects do not wait: that saves seven instructions.
 */
enum { MANY_BYTES = 64 << 10 };

void tm__look_after_cache(void)
{
    struct tm__cache *cache = tm__thread.cache;
    if (cache == no_cache) {
        if (tm__thread.slow_calls > tm__cache_after)
            tm__open_cache();
        return;
    }
    tm__choose_to_wait(cache, (int64_t)tm__balance_of(tm__thread.me) > MANY_BYTES);
    if (tm__thread.slow_calls == 0)
        report_overruns(tm__trim_depot());
}

void tm__free_without_bin(void *object)
{
    int *here = &errno, saved = *here;
    backend_free(object);
    tm__count_slow_call();
    *here = saved;
}

void tm__free_to_full_bin(struct tm__bin *bin, struct tm__header *object)
{
    int *here = &errno, saved = *here;
    struct tm__cache *cache = tm__thread.cache;
    if (cache != no_cache)
        report_overruns(tm__keep_in_full_bin(cache, bin, &object));
    if (object)
        backend_free(object);
    tm__count_slow_call();
    *here = saved;
}

static struct tm__header *object_of_backend(size_t size)
{
    struct tm__header *object = backend_malloc(tm__object_request(TM__HEADER + size));
    if (!object)
        errno = ENOMEM;
    return object;
}

struct tm__header *tm__object_for_empty_bin(struct tm__bin *bin, size_t size)
{
    struct tm__header *object = NULL;
    if (tm__may_refill_bin(tm__thread.cache, bin))
        object = tm__refill_bin(tm__thread.cache, bin);
    tm__count_slow_call();
    return object ? object : object_of_backend(size);
}

struct tm__header *tm__object_for(size_t size)
{
    struct tm__bin *bin = tm__bin_for(size);
    if (!bin) {
        tm__count_slow_call();
        return object_of_backend(size);
    }
    struct tm__header *object = tm__take_object(bin);
    return object ? object : tm__object_for_empty_bin(bin, size);
}

static void end_cache(bool to_depot)
{
    struct tm__cache *cache = tm__thread.cache;
    if (cache == no_cache)
        return;
    tm__thread.cache = no_cache;
    tm__thread.slow_calls = 0;
    int saved = errno;
    report_overruns(tm__end_cache(cache, to_depot));
    errno = saved;
}

void tm__leave_cache(void)
{
    end_cache(true);
}

void tm_flush_cache(void)
{
    end_cache(false);
    int saved = errno;
    report_overruns(tm__empty_depot());
    errno = saved;
}
