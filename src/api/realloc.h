/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the malloc library (preload/jemalloc.c) needs beyond tm_realloc(). These functions are not for programs, and
 * exported under a private version.
 */
#ifndef TM_REALLOC_H
#define TM_REALLOC_H

#include <stddef.h>

#pragma GCC visibility push(default)

/* As tm_realloc(), for a block and a size that are not 0; the result is at a multiple of `alignment`, at least 16. */
void *tm__realloc_aligned(void *user, size_t alignment, size_t size);

/*
 * Changes a block's size to `most` bytes where it is, or else to `least`, and returns the size that it has then: the old
 * one if it can have neither. Counted as tm_realloc() is. Foreign memory stays as it is.
 */
size_t tm__realloc_in_place(void *user, size_t least, size_t most);

#pragma GCC visibility pop

#endif
