/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the preloaded library (preload/) tells this one: the malloc that is behind it, which is the process's, while the
 * plain names are ours. Not for programs; weak, so there is none without it.
 */
#ifndef TM_BEHIND_H
#define TM_BEHIND_H

#include <stddef.h>

struct tm__next_malloc {
    void *(*malloc)(size_t size);
    void (*free)(void *memory);
    void *(*realloc)(void *memory, size_t size);
    size_t (*usable_size)(void *memory);
};

#endif
