/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Functions that not every malloc has. They call the rest of the family by its plain names. If another malloc is
 * preloaded before ours, and lacks these, they therefore work on its blocks, and blocks of two mallocs are not mixed.
 * In a file of its own, since a compiler would otherwise call the definitions that it sees instead of going by the
 * name.
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

/* C23's. The size is not compared with the block's: a program that passes a wrong one runs as it did without us. */
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
