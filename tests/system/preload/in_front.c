/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program that does not use threadmeter. Another malloc is preloaded before ours, and lacks some functions that ours
 * has. Calls of these reach ours, which must accept and return blocks of the other malloc.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void cfree(void *block) __attribute__((weak)); /* not in newer versions of glibc */
extern void free_sized(void *block, size_t size) __attribute__((weak));

int main(void)
{
    char *block = malloc(100);
    memset(block, 'x', 100);
    block = reallocarray(block, 100, 1000);
    if (!block || memchr(block, 'x', 100) != block)
        return 1;
    void *pages = pvalloc(1);
    if (!pages || (uintptr_t)pages % (uintptr_t)sysconf(_SC_PAGESIZE) != 0)
        return 2;
    memset(pages, 1, (size_t)sysconf(_SC_PAGESIZE));
    free(block);
    free(pages);
    if (cfree)
        cfree(malloc(10));
    if (free_sized)
        free_sized(malloc(10), 10);
    return 0;
}
