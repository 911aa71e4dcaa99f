/* SPDX-License-Identifier: BSD-3-Clause */
/* Crediting a freed block to the slot that it was charged to, whichever thread frees it. */
#ifndef TM_CREDIT_H
#define TM_CREDIT_H

#include "state/slot.h"

#include <stddef.h>
#include <stdint.h>

struct tm__block;

/* Credits a block, and counts who freed it. */
void tm__credit(uint32_t slot, size_t size);

enum tm__credited {
    TM__NOT_YET,
    TM__UNCOUNTED, /* the slot's counters are right; the remote free is not yet counted for the thread that made it */
    TM__COUNTED,
};

/* The first part of tm__credit(). It waits for nothing, so it may be called while a lock is held. */
enum tm__credited tm__credit_counters(uint32_t slot, size_t size);

/*
 * The serial number of the thread that owns the block, as flows need it; 0 if flows are off. No harm is done if the
 * block is not credited after all.
 */
uint64_t tm__credited_owner(const struct tm__block *block);

/* The rest of tm__credit(). `owner` is what tm__credited_owner() returned before the first part. */
void tm__finish_credit(const struct tm__block *block, uint64_t owner, enum tm__credited credited);

/* Credits a block of one of the caller's own slots, also if the caller is in another of them now. */
void tm__credit_own_slot(struct tm__slot *slot, size_t size);

#endif
