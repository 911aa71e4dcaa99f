/* SPDX-License-Identifier: BSD-3-Clause */
/* A malloc that counts, and calls libc's by libc's own names for the rest, as that of many tools does. */
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

unsigned long wrapped;

void *malloc(size_t size)
{
    __atomic_add_fetch(&wrapped, 1, __ATOMIC_RELAXED);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    __atomic_add_fetch(&wrapped, 1, __ATOMIC_RELAXED);
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    __atomic_add_fetch(&wrapped, 1, __ATOMIC_RELAXED);
    return __libc_realloc(block, size);
}

void free(void *block)
{
    __atomic_add_fetch(&wrapped, 1, __ATOMIC_RELAXED);
    __libc_free(block);
}
