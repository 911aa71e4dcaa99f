/* SPDX-License-Identifier: BSD-3-Clause */
/* The blocks that an input has allocated, in numbered places: their owners, sizes and contents. */
#ifndef FUZZ_BLOCKS_H
#define FUZZ_BLOCKS_H

#include "ledger.h"

#include <stdint.h>

enum { PLACES = 32, HUGE_SIZE = 0x7fffffff };

struct block {
    uint8_t *at; /* NULL: the place is empty */
    size_t size;
    size_t alignment;
    struct account *owner; /* NULL: it is libc's, and charged to nobody */
    uint8_t seed;
};

/* The place that the next byte of the input names, empty or not. */
struct block *take_place(void);
struct block *take_empty_place(void); /* frees what is there */

/* Puts a new block into the place, after a check of its address and size, charges it to the caller, and fills it. */
void keep(struct block *block, void *at, size_t size, size_t alignment);
void keep_charged(struct block *block, void *at, size_t size, size_t alignment, struct account *owner);
void keep_foreign(struct block *block, void *at, size_t size);

/* Checks that the first bytes at this address are those that the block was filled with. */
void expect_contents(const struct block *block, const uint8_t *at, size_t length);

/* Checks the contents of a block, and credits its owner. To be called before the library frees the block. */
void forget(struct block *block);
void free_block(struct block *block);
void free_all_blocks(void);

/* A realloc of the block succeeded: credits and charges it in the ledger, and fills it again. */
void resized(struct block *block, void *to, size_t size);
void refill(struct block *block);

/* Set errno before a call that must not change it, and check it after the call. */
void set_errno(void);
void expect_errno_untouched(const char *function);

#endif
