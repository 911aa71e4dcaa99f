/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/objects.h"
#include "base/backend.h"

#include <stdatomic.h>

/*
 * A free at a page's edge asks this, as each of a block that is aligned to a page does. So a yes is remembered. Relaxed: it
 * is the same for whoever asks.
 */
static bool knows_objects(void)
{
    static _Atomic bool known;
    if (atomic_load_explicit(&known, memory_order_relaxed))
        return true;
    bool answer = backend_knows_objects();
    atomic_store_explicit(&known, answer, memory_order_relaxed);
    return answer;
}

bool tm__in_backend(const void *address)
{
    return knows_objects() && backend_owns(address);
}

size_t tm__span_at(const void *address)
{
    return knows_objects() ? backend_size_of(address) : 0;
}

/*
 * For each size, how many proofs in a row failed: the backend was asked, and an object did begin there. A program in
 * which that is usual must not pay for it at each free. Relaxed and not exact: this only decides whether it is worth
 * asking.
 */
enum { SIZES = 64, FEW = 4, MANY = 100 };
static _Atomic unsigned failed_proofs[SIZES];

static bool may_begin(const void *address, unsigned most_failures)
{
    _Atomic unsigned *count = &failed_proofs[tm__span_at(address) / TM__BACKEND_ALIGNMENT % SIZES];
    if (atomic_load_explicit(count, memory_order_relaxed) >= most_failures)
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
