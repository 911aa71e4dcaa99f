/* SPDX-License-Identifier: BSD-3-Clause */
/* Crediting a freed block to the slot that it was charged to, whichever thread frees it. */
#ifndef TM_CREDIT_H
#define TM_CREDIT_H

#include "state/slot.h"

#include <stddef.h>
#include <stdint.h>

struct tm__block;

/* Credits the block, and counts who freed it. */
void tm__credit(uint32_t slot, size_t size);

enum tm__credited {
    TM__NOT_YET,
    TM__UNCOUNTED, /* the slot's counters are right, but nobody knows yet who freed it */
    TM__COUNTED,
};

/* The beginning of that: waits for nothing, so it may be done under a lock. */
enum tm__credited tm__credit_counters(uint32_t slot, size_t size);

/* Whose the block is; 0 if nobody asks. Where it is refused afterwards, that thread is only known for nothing. */
uint64_t tm__credited_owner(const struct tm__block *block);

/* What of tm__credit() is left to do; `owner` is what the one above said before. */
void tm__finish_credit(const struct tm__block *block, uint64_t owner, enum tm__credited credited);

/* Lowers the watermark of a slot that the thread is in to where there is something to see: in the slot, or in all. */
void tm__lower_watermark(struct tm__owner *owner, int32_t tag);

/* Credits a block of a slot of the caller's, whichever it is in. */
void tm__credit_own_slot(struct tm__slot *slot, size_t size);

#endif
