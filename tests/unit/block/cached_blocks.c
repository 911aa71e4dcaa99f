/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "cached_blocks.h"
#include "support/support.h"

size_t heap_now(void)
{
    size_t bytes = 0;
    ck_assert(raw_heap_bytes(&bytes));
    return bytes;
}

void have_a_cache(void)
{
    setenv("THREADMETER_CACHE", "1", 1);
    tm_free(tm_malloc(1)); /* by which the thread attaches */
}

void allocate(void **blocks, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_ptr_nonnull(blocks[i] = tm_malloc(size));
}

void free_all(void **blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tm_free(blocks[i]);
}
