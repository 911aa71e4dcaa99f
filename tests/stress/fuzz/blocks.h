/* SPDX-License-Identifier: BSD-3-Clause */
/* The blocks that an input holds, in numbered places: whose they are, how large, and what is in them. */
#ifndef FUZZ_BLOCKS_H
#define FUZZ_BLOCKS_H

#include "ledger.h"

#include <stdint.h>

enum { PLACES = 32, HUGE_SIZE = 0x7fffffff };

struct block {
    uint8_t *at; /* NULL: the place is empty */
    size_t size;
    size_t alignment;
    struct account *owner; /* NULL: it is libc's, and on nobody's books */
    uint8_t seed;
};

/* The place that the input names next, empty or not. */
struct block *take_place(void);
struct block *take_empty_place(void); /* frees what is there */

/* A new block, to be charged to the caller: it must be where and as large as it should be. Filled from end to end. */
void keep(struct block *block, void *at, size_t size, size_t alignment);
void keep_foreign(struct block *block, void *at, size_t size);

/* Whether the first bytes are what they were filled with. */
void expect_contents(const struct block *block, const uint8_t *at, size_t length);

/* It is about to be freed, by a function that is told of nothing else: contents are looked at, books kept. */
void forget(struct block *block);
void free_block(struct block *block);
void free_all_blocks(void);

/* A realloc of the block went well: the books are kept, and it is filled anew. */
void resized(struct block *block, void *to, size_t size);
void refill(struct block *block);

/* errno as it is before a call that must leave it alone, and after it. */
void set_errno(void);
void expect_errno_untouched(const char *function);

#endif
