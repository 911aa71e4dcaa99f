/* SPDX-License-Identifier: BSD-3-Clause */
/* The aligned family. The backend never aligns for us, so all checks of alignments are here. */
#define _GNU_SOURCE
#include "api/allocate.h"
#include "base/backend.h"
#include "base/options.h"
#include "block/thread_cache.h"
#include "state/slot.h"
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

/* What tm__allocate() does in the usual case, with objects from the cache. */
static void *allocate(size_t alignment, size_t size)
{
    bool usual = alignment - TM__LEAST_ALIGNED <= TM__MOST_ALIGNED - TM__LEAST_ALIGNED && size - 1 < TM__ALIGNED_MAX;
    if (__builtin_expect(!usual, 0))
        return tm__allocate(alignment, size);
    size_t unaligned = tm__unaligned_size(alignment, size);
    struct tm__bin *bin = tm__bin_for(unaligned);
    void *base = __builtin_expect(bin != NULL, 1) ? tm__take_object(bin) : NULL;
    if (__builtin_expect(!base, 0) && !(base = tm__object_for(unaligned)))
        return NULL;
    struct tm__owner *me = tm__thread.me;
    if (__builtin_expect(!tm__charge_own(me, size), 0))
        return tm__allocate_in(base, alignment, size);
    void *user = tm__aligned_in(base, 0, alignment);
    tm__seal_aligned(user, base, alignment, size, me->account, me->key);
    return user;
}

void *tm_aligned_alloc(size_t alignment, size_t size)
{
    return power_of_two(alignment) ? allocate(alignment, size) : bad_alignment();
}

int tm_posix_memalign(void **user, size_t alignment, size_t size)
{
    if (!power_of_two(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    int saved = errno;
    void *block = allocate(alignment, size);
    /* Here errno is ENOMEM, too: POSIX does not require that, but glibc does it, and some programs look at errno. */
    if (!block)
        return ENOMEM;
    errno = saved;
    *user = block;
    return 0;
}

/* As glibc, rounds up an alignment that is not a power of two. */
void *tm_memalign(size_t alignment, size_t size)
{
    if (alignment > SIZE_MAX / 2 + 1)
        return bad_alignment();
    size_t power = alignment <= TM__ALIGNMENT ? TM__ALIGNMENT : (size_t)1 << (64 - __builtin_clzll(alignment - 1));
    return allocate(power, size);
}

void *tm_valloc(size_t size)
{
    return allocate(page_size(), size);
}

void *tm_pvalloc(size_t size)
{
    size_t page = page_size();
    size_t rounded = (size + page - 1) & ~(page - 1);
    if (rounded < size)
        return tm__out_of_memory();
    return allocate(page, rounded);
}
