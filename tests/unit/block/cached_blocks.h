/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of a thread's cache share: a cache from the first block on, and tcmalloc's own count with what is in it. */
#ifndef TESTS_CACHED_BLOCKS_H
#define TESTS_CACHED_BLOCKS_H

#include <stddef.h>

enum { LARGEST = 512, SOME = 200 }; /* the largest block that is kept; more blocks of a size than are kept */

/* tcmalloc's count of bytes in use. heap_bytes() would flush the cache first. */
size_t heap_now(void);

/* The thread has a cache from its first block on. To be called before that. */
void have_a_cache(void);

void allocate(void **blocks, size_t count, size_t size);
void free_all(void **blocks, size_t count);

#endif
