/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The soak's blocks: made by every function whose charge a caller can know, filled, checked and freed, and entered in the
 * ledger. They know nothing of workers.
 */
#ifndef TESTS_SOAK_BLOCKS_H
#define TESTS_SOAK_BLOCKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "soak_ledger.h"

/* A block, or the place for one. */
struct item {
    unsigned char *block;
    size_t size, alignment;
    struct ledger *owner;
    bool foreign;
    unsigned char fill;
};

/* Calls with blocks of the process's malloc. */
extern _Atomic uint64_t foreign_frees, foreign_reallocs;

uint64_t next_random(uint64_t *state); /* the seed is the state */

/* `self` is the ledger of the calling thread. */
void make(struct item *item, struct ledger *self, uint64_t *random);
void resize(struct item *item, struct ledger *self, uint64_t *random);
void dispose(struct item *item, struct ledger *self, uint64_t *random);

#endif
