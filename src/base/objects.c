/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/objects.h"
#include "base/backend.h"

#include <stdatomic.h>

bool tm__in_backend(const void *address)
{
    return backend_knows_objects() && backend_owns(address);
}

size_t tm__span_at(const void *address)
{
    return backend_knows_objects() ? backend_size_of(address) : 0;
}

/*
 * How often in a row an object did begin, where it was asked, by size. A program in which that is usual is not to pay for it at
 * each free. Relaxed, and not exact: it says only what is worth while.
 */
enum { SIZES = 64, FEW = 4, MANY = 100 };
static _Atomic unsigned in_vain[SIZES];

static bool may_begin(const void *address, unsigned patience)
{
    _Atomic unsigned *count = &in_vain[tm__span_at(address) / TM__BACKEND_ALIGNMENT % SIZES];
    if (atomic_load_explicit(count, memory_order_relaxed) >= patience)
        return true;
    bool may = backend_may_begin_object(address);
    unsigned now = may ? atomic_load_explicit(count, memory_order_relaxed) + 1 : 0;
    atomic_store_explicit(count, now, memory_order_relaxed);
    return may;
}

bool tm__may_begin_object(const void *address)
{
    return may_begin(address, MANY);
}

bool tm__may_begin_here(const void *address)
{
    return (backend_knows_objects() && backend_is_on_grid(address)) || may_begin(address, FEW);
}
