/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A meter by an address map: a malloc on top of tcmalloc that keeps the owner and the size of each block in a map
 * outside the heap. To be preloaded.
 */
#include "pointer_map.h"

#include <gperftools/tcmalloc.h>
#include <string.h>

enum { MOST_THREADS = 1 << 14 };

static struct account {
    _Alignas(64) _Atomic uint64_t live_bytes, live_blocks;
} accounts[MOST_THREADS];

static _Atomic uint32_t threads;
static _Thread_local uint32_t me __attribute__((tls_model("initial-exec")));

static void *charge(void *block, size_t size)
{
    if (block) {
        if (!me)
            me = atomic_fetch_add(&threads, 1) % (MOST_THREADS - 1) + 1;
        map_insert(block, (uint64_t)me << 40 | size);
        atomic_fetch_add_explicit(&accounts[me].live_bytes, size, memory_order_relaxed);
        atomic_fetch_add_explicit(&accounts[me].live_blocks, 1, memory_order_relaxed);
    }
    return block;
}

static void credit(const void *block)
{
    uint64_t value;
    if (!block || !map_remove(block, &value))
        return;
    atomic_fetch_sub_explicit(&accounts[value >> 40].live_bytes, value & ((UINT64_C(1) << 40) - 1),
                              memory_order_relaxed);
    atomic_fetch_sub_explicit(&accounts[value >> 40].live_blocks, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
    return charge(tc_malloc(size), size);
}

void free(void *block)
{
    credit(block);
    tc_free(block);
}

void *calloc(size_t count, size_t size)
{
    return charge(tc_calloc(count, size), count * size);
}

void *realloc(void *block, size_t size)
{
    credit(block);
    return charge(tc_realloc(block, size), size);
}

void *memalign(size_t alignment, size_t size)
{
    return charge(tc_memalign(alignment, size), size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    int error = tc_posix_memalign(block, alignment, size);
    if (error == 0)
        charge(*block, size);
    return error;
}
