/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks off the fast path: placing and sealing those that are aligned or huge. Nothing here knows of counters.
 */
#ifndef TM_BLOCK_H
#define TM_BLOCK_H

#include "base/header.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tm__kind {
    TM__FOREIGN, /* no header of ours */
    TM__LIVE,
    TM__FREED,
    TM__DAMAGED, /* part of a header of ours */
    TM__OVERRUN, /* live, and its tail is damaged */
};

struct tm__block {
    enum tm__kind kind;
    bool wide;
    uint32_t slot; /* of a damaged header: what it says, perhaps no slot at all */
    size_t size;
    void *base; /* of a live block, overrun or not */
};

/* Behind the user's bytes, if tm__tail says so: written when a block is sealed, looked at by tm__inspect(). */
void tm__write_tail(void *user, size_t size);
bool tm__tail_intact(const void *user, size_t size);

/*
 * Objects of the backend to hold `size` bytes at a multiple of `alignment` (a power of two): where the user's bytes
 * begin, with the object's base in *base; NULL with ENOMEM. tm__seal_at() then writes the header, also for fewer bytes if
 * the object is of whole pages: a block that may grow above what a plain header can say is wide from the start.
 */
void *tm__place(size_t alignment, size_t size, void **base);
void tm__seal_at(void *user, void *base, size_t alignment, size_t size, uint32_t slot);

/* Before the block's object goes back: all of it may be touched again. */
void tm__uncover(void *user, const struct tm__block *block);

/* The header of a live block that is charged to another slot from now on. */
void tm__reseal(void *user, const struct tm__block *block, uint32_t slot);

/* The same, of another size, too, for which there is room in its object. It stays wide if it was. */
void tm__resize_at(void *user, const struct tm__block *block, size_t size, uint32_t slot);

/*
 * Whether a block for which the backend is asked so much may be in an object that spans so much. That is what it makes
 * for it; or, from TM__BACKEND_ROOMY_FROM on, where realloc grew or shrank it, one that is up to twice as large.
 */
bool tm__may_span(size_t span, size_t request);

/* Whether the plain block in the object at base may have another size there. */
bool tm__may_stay(const void *base, size_t old, size_t size);

/* What is asked of the backend for a plain block of so many bytes. */
size_t tm__plain_request(size_t size);

#endif
