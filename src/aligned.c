/* SPDX-License-Identifier: BSD-3-Clause */
/* The aligned family. tcmalloc checks no alignment, so all checks are here. */
#define _GNU_SOURCE
#include "allocate.h"
#include "threadmeter/malloc.h"

#include <errno.h>
#include <unistd.h>

static bool power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void *bad_alignment(void)
{
    errno = EINVAL;
    return NULL;
}

void *tm_aligned_alloc(size_t alignment, size_t size)
{
    return power_of_two(alignment) ? tm__allocate(alignment, size) : bad_alignment();
}

int tm_posix_memalign(void **user, size_t alignment, size_t size)
{
    if (!power_of_two(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    int saved = errno; /* POSIX: the error is the result, and errno is not touched */
    void *block = tm__allocate(alignment, size);
    errno = saved;
    if (!block)
        return ENOMEM;
    *user = block;
    return 0;
}

/* glibc rounds up what is no power of two. */
void *tm_memalign(size_t alignment, size_t size)
{
    if (alignment > SIZE_MAX / 2 + 1)
        return bad_alignment();
    size_t power = alignment <= TM__ALIGNMENT ? TM__ALIGNMENT : (size_t)1 << (64 - __builtin_clzll(alignment - 1));
    return tm__allocate(power, size);
}

void *tm_valloc(size_t size)
{
    return tm__allocate(page_size(), size);
}

void *tm_pvalloc(size_t size)
{
    size_t page = page_size();
    size_t rounded = (size + page - 1) & ~(page - 1);
    if (rounded < size) {
        errno = ENOMEM;
        return NULL;
    }
    return tm__allocate(page, rounded);
}
