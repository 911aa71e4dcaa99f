/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks off the fast path: allocates objects for aligned and for huge blocks, and writes their headers. This file
 * knows nothing of counters.
 */
#ifndef TM_BLOCK_H
#define TM_BLOCK_H

#include "base/header.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tm__kind {
    TM__FOREIGN, /* there is no header of ours */
    TM__LIVE,
    TM__FREED,
    TM__DAMAGED, /* there is part of a header of ours */
    TM__OVERRUN, /* live, and its guard is damaged */
};

struct tm__block {
    enum tm__kind kind;
    bool wide;
    uint32_t slot; /* of a damaged header: the slot that it names, which may not exist */
    size_t size;
    size_t alignment; /* what the block was allocated with; at least 16 */
    void *base;       /* only of a live block, with an overrun or not */
};

/* The guard of tm__tail bytes after the user's bytes: written with the header, checked by tm__inspect(). */
void tm__write_tail(void *user, size_t size);
bool tm__tail_intact(const void *user, size_t size);

/*
 * Allocates an object of the backend for a block of `size` bytes at a multiple of `alignment` (a power of two). Stores
 * in *block what is known of the block: base, alignment and form. False with ENOMEM. Then tm__seal_in() writes the
 * header. `size` may be smaller there, if the object has whole pages: a block that may grow to a size that a plain
 * header cannot express is wide from the start.
 */
bool tm__place(size_t alignment, size_t size, struct tm__block *block);

/*
 * Writes the header, and returns the user pointer. Also for a live block that is charged to another slot, or gets
 * another size, if tm__may_stay().
 */
void *tm__seal_in(const struct tm__block *block, size_t size, uint32_t slot);

/* Called before the block's object goes back to the backend: makes all its bytes accessible again. */
void tm__uncover(void *user, const struct tm__block *block);

/* Writes the header of a live block again, which is charged to another slot from now on. */
void tm__reseal(void *user, const struct tm__block *block, uint32_t slot);

/*
 * Whether an object that spans `span` bytes may have been made for a request of `request` bytes. It may if the backend
 * makes objects of that span for it; or, from TM__BACKEND_ROOMY_FROM on, if it is up to twice as large, since realloc
 * leaves blocks in such objects.
 */
bool tm__may_span(size_t span, size_t request);

/*
 * Whether a live block may get another size and stay in its object. The second function is for a plain block that is
 * not aligned to more than 16, in the object at base, if both sizes are plain, and at least 1.
 */
bool tm__may_stay(const struct tm__block *block, size_t size);
bool tm__unaligned_may_stay(const void *base, size_t old, size_t size);

/* The bytes that are requested from the backend for such a block. An object that was used before may have more. */
size_t tm__request_of(const struct tm__block *block);

#endif
