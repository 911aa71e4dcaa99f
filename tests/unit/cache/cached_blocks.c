/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "cached_blocks.h"
#include "support/support.h"

enum { HEADER = 16 };

size_t heap_now(void)
{
    size_t bytes = 0;
    ck_assert(raw_heap_bytes(&bytes));
    return bytes;
}

void have_a_cache(void)
{
    setenv("THREADMETER_CACHE", "1", 1);
    tm_free(tm_malloc(0)); /* by which the thread attaches; this block is not kept */
}

void have_a_cache_of(const char *bytes)
{
    setenv("TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES", bytes, 1);
    have_a_cache();
}

static size_t class_after(size_t class)
{
    size_t step = 16;
    for (size_t end = 256; class >= end; end *= 2)
        step = end / 8;
    return class + step;
}

size_t class_bytes(size_t size)
{
    size_t class = 32;
    while (class < HEADER + size)
        class = class_after(class);
    return class;
}

size_t next_size(size_t size)
{
    return size == 0 ? 16 : class_after(class_bytes(size)) - HEADER;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t most_of(size_t size, size_t share)
{
    size_t bytes = class_bytes(size), most = least(64, (64 << 10) / bytes), count = 0;
    while (count < most && 2 * least(2 * count + 1, most) * bytes <= share)
        count = least(2 * count + 1, most);
    return count;
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

size_t kept_of(size_t size, size_t count)
{
    void **blocks = calloc(count, sizeof *blocks);
    size_t before = heap_now(), span = heap_bytes_for(HEADER + size);
    allocate(blocks, count, size);
    ck_assert_uint_eq(heap_now() - before, count * span);
    free_all(blocks, count);
    free(blocks);
    size_t kept = heap_now() - before;
    ck_assert_uint_eq(kept % span, 0);
    return kept / span;
}
