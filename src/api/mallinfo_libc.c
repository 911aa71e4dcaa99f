/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions about the heap, where that is libc's: mallinfo.c with the backend for sanitizers and valgrind. */
#define _GNU_SOURCE
#include "api/mallinfo.h"
#include "threadmeter/malloc.h"

struct mallinfo2 tm_mallinfo2(void)
{
    return mallinfo2();
}

struct mallinfo tm_mallinfo(void)
{
    struct mallinfo2 wide = mallinfo2();
    return tm__narrow_mallinfo(&wide);
}

void tm_malloc_stats(void)
{
    malloc_stats();
}

int tm_malloc_info(int options, FILE *stream)
{
    return malloc_info(options, stream);
}

int tm_malloc_trim(size_t pad)
{
    return malloc_trim(pad);
}

int tm_mallopt(int parameter, int value)
{
    return mallopt(parameter, value);
}
