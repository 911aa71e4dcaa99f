/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the cache share: a cache from the first block on, tcmalloc's own count with what is in it, and what
 * is to be kept, by numbers that are written down here once more.
 */
#ifndef TESTS_CACHED_BLOCKS_H
#define TESTS_CACHED_BLOCKS_H

#include <stddef.h>

enum {
    LARGEST = 9200, /* the largest block that is kept */
    SOME = 200,
};

/* tcmalloc's count of bytes in use. heap_bytes() would flush the cache first. */
size_t heap_now(void);

/* The thread has a cache from its first block on, without objects. To be called before that. */
void have_a_cache(void);

/* The same, and TCMALLOC_MAX_TOTAL_THREAD_CACHE_BYTES is `bytes`. */
void have_a_cache_of(const char *bytes);

/* Bytes of the class of a block of so many bytes, at most LARGEST. */
size_t class_bytes(size_t size);

/* The size of the largest block in the class after that of a block of `size` bytes; 16 comes after 0. */
size_t next_size(size_t size);

/* How many objects a list has, for blocks of `size` bytes, where a thread's lists may have `share` bytes in all. */
size_t most_of(size_t size, size_t share);

void allocate(void **blocks, size_t count, size_t size);
void free_all(void **blocks, size_t count);

/* Allocates more blocks of this size than may be kept, frees them all, and returns how many tcmalloc did not get back. */
size_t kept_of(size_t size, size_t count);

#endif
