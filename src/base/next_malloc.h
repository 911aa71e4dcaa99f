/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the preloaded library (preload/) tells this one: the process's malloc, that is, the next definition of the plain
 * names, which are ours in such a process. Not for programs. The symbol is weak: without preloading there is none.
 */
#ifndef TM_NEXT_MALLOC_H
#define TM_NEXT_MALLOC_H

#include <stddef.h>

struct tm__next_malloc {
    void *(*malloc)(size_t size);
    void (*free)(void *memory);
    void *(*realloc)(void *memory, size_t size);
    size_t (*usable_size)(void *memory);
};

#endif
