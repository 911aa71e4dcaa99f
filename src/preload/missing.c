/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What other mallocs do not all have: by the plain names of the rest, so that with another malloc in front of ours, which
 * was preloaded, too, these are given its blocks and make such, and not blocks of two mallocs. In a file of its own, or a
 * compiler takes the plain names for those that it sees.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/auxv.h>

#define EXPORT __attribute__((visibility("default")))

/* Not declared by glibc 2.36. */
EXPORT void cfree(void *block);
EXPORT void free_sized(void *block, size_t size);
EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size);

EXPORT void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, bytes);
}

EXPORT void *pvalloc(size_t size)
{
    size_t page = getauxval(AT_PAGESZ), whole = (size + page - 1) & -page;
    if (whole < size) {
        errno = ENOMEM;
        return NULL;
    }
    return memalign(page, whole);
}

EXPORT void cfree(void *block)
{
    free(block);
}

/* C23's. The size is not held against the block's: a program that has it wrong runs as it did. */
EXPORT void free_sized(void *block, size_t size)
{
    (void)size;
    free(block);
}

EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size)
{
    (void)alignment;
    (void)size;
    free(block);
}
