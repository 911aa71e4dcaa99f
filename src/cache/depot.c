/* SPDX-License-Identifier: BSD-3-Clause */
#include "cache/depot.h"
#include "base/lock.h"
#include "base/options.h"
#include "cache/size_class.h"

#include <stdalign.h>
#include <stdatomic.h>

enum { PLACES = 128, APART = 128 /* bytes */ };

_Atomic uint32_t tm__depot_lists[TM__CLASSES];

/* At every moment the first tm__depot_lists[class] are here: a fork's child finds them whole, whatever others did. */
static uint64_t lists[TM__CLASSES][PLACES];

/* By themselves, since the child of a fork resets the locks, and gets a copy of each page where they are. */
static struct store {
    alignas(APART) struct tm__lock lock;
    uint32_t lowest; /* since tm__depot_take_idle() came here last */
} stores[TM__CLASSES];

/* Bytes. Relaxed: a sum, which orders nothing. Apart from tm__depot_lists, which each thread reads. */
static alignas(APART) _Atomic uint64_t held;

static uint64_t bytes_of(unsigned class, uint64_t list)
{
    return (uint16_t)list * tm__class_bytes(class);
}

static bool reserve(uint64_t bytes)
{
    uint64_t most = atomic_load_explicit(&tm__cache_bytes, memory_order_relaxed) / 4;
    if (atomic_load_explicit(&held, memory_order_relaxed) + bytes > most) /* cheaper, where it is full for long */
        return false;
    if (atomic_fetch_add_explicit(&held, bytes, memory_order_relaxed) + bytes <= most)
        return true;
    atomic_fetch_sub_explicit(&held, bytes, memory_order_relaxed);
    return false;
}

static uint32_t count_of(unsigned class)
{
    return atomic_load_explicit(&tm__depot_lists[class], memory_order_relaxed);
}

bool tm__depot_put(unsigned class, uint64_t list)
{
    struct store *store = &stores[class];
    if (count_of(class) == PLACES || !reserve(bytes_of(class, list)))
        return false;
    bool put = false;
    if (tm__take_lock(&store->lock)) {
        uint32_t count = count_of(class);
        put = count < PLACES;
        if (put) {
            lists[class][count] = list;
            atomic_store_explicit(&tm__depot_lists[class], count + 1, memory_order_release); /* for a fork's child */
        }
        tm__unlock(&store->lock);
    }
    if (!put)
        atomic_fetch_sub_explicit(&held, bytes_of(class, list), memory_order_relaxed);
    return put;
}

/* With the lock. */
static uint64_t take_last(unsigned class, uint64_t most)
{
    struct store *store = &stores[class];
    uint32_t count = count_of(class);
    uint64_t list = count > 0 ? lists[class][count - 1] : 0;
    if (list == 0 || (uint16_t)list > most)
        return 0;
    atomic_store_explicit(&tm__depot_lists[class], count - 1, memory_order_relaxed);
    if (store->lowest > count - 1)
        store->lowest = count - 1;
    atomic_fetch_sub_explicit(&held, bytes_of(class, list), memory_order_relaxed);
    return list;
}

uint64_t tm__depot_take(unsigned class, uint64_t most)
{
    struct store *store = &stores[class];
    if (count_of(class) == 0 || !tm__take_lock(&store->lock))
        return 0;
    uint64_t list = take_last(class, most);
    tm__unlock(&store->lock);
    return list;
}

uint64_t tm__depot_take_idle(unsigned class)
{
    struct store *store = &stores[class];
    if (count_of(class) == 0 || !tm__take_lock(&store->lock))
        return 0;
    uint64_t list = store->lowest > 0 ? take_last(class, UINT16_MAX) : 0;
    store->lowest = count_of(class);
    tm__unlock(&store->lock);
    return list;
}

void tm__depot_after_fork(void)
{
    uint64_t bytes = 0;
    for (unsigned class = 0; class < TM__CLASSES; class ++) {
        tm__reset_lock(&stores[class].lock);
        for (uint32_t i = 0; i < count_of(class); i++)
            bytes += bytes_of(class, lists[class][i]);
    }
    atomic_store_explicit(&held, bytes, memory_order_relaxed); /* others may have been between this and their list */
}
