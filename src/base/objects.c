/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/objects.h"
#include "base/backend.h"
#include "base/header.h"
#include "base/lock.h"

#include <stdatomic.h>
#include <stdint.h>

bool tm__in_backend(const void *address)
{
    return backend_knows_objects() && backend_owns(address);
}

size_t tm__span_at(const void *address)
{
    return backend_knows_objects() ? backend_size_of(address) : 0;
}

/* tcmalloc keeps its answers in one place, where two threads that ask at the same time would spoil each other's. */
static struct tm__lock asking;

static bool ask(const void *address)
{
    if (!tm__lock_anew(
            &asking)) /* a signal handler in the midst of it: anything may begin anywhere, which accuses nobody */
        return true;
    struct tm__range range = backend_find_range(address);
    tm__unlock(&asking);
    if (!range.is_listed) /* what is tcmalloc's may have been left out while the list changed */
        return !range.has_list || tm__in_backend(address);
    size_t span = range.in_use ? tm__span_at((const void *)range.start) : 0;
    return range.in_use && (span == 0 || ((uintptr_t)address - range.start) % span == 0);
}

void tm__objects_after_fork(void)
{
    tm__reset_lock(&asking);
}

/*
 * How often in a row an object did begin, where it was asked, by size. A program in which that is usual is not to pay for it at
 * each free. Relaxed, and not exact: it says only what is worth while.
 */
enum { SIZES = 64, FEW = 4, MANY = 100 };
static _Atomic unsigned in_vain[SIZES];

static bool may_begin(const void *address, unsigned patience)
{
    _Atomic unsigned *count = &in_vain[tm__span_at(address) / TM__ALIGNMENT % SIZES];
    if (atomic_load_explicit(count, memory_order_relaxed) >= patience)
        return true;
    bool may = ask(address);
    unsigned now = may ? atomic_load_explicit(count, memory_order_relaxed) + 1 : 0;
    atomic_store_explicit(count, now, memory_order_relaxed);
    return may;
}

bool tm__may_begin_object(const void *address)
{
    return may_begin(address, MANY);
}

/* The backend's, not the kernel's. */
static size_t page(void)
{
    return backend_size_for(BACKEND_MOST_IN_CLASS + 1) - BACKEND_MOST_IN_CLASS;
}

/*
 * Objects begin at multiples of their size from a page on, as a rule at multiples of it in their page. Ours begin 16 bytes
 * before a user pointer; so if all sizes are multiples of more than 16, one look at the address is enough.
 */
bool tm__may_begin_here(const void *address)
{
    size_t span = tm__span_at(address), step = span & -span, offset = (uintptr_t)address % page();
    if (step >= page())
        step = page();
    if (span != 0 && offset % step == 0 && (step > TM__ALIGNMENT || offset % span == 0))
        return true;
    return may_begin(address, FEW);
}
