/* SPDX-License-Identifier: BSD-3-Clause */
/* What malloc's family shares: making a block of any size and alignment that is charged, and freeing one. */
#ifndef TM_ALLOCATE_H
#define TM_ALLOCATE_H

#include "block/block.h"
#include "block/inspect.h"
#include "block/misuse.h"

#include <stddef.h>

/* Returns NULL, and sets errno to ENOMEM. */
void *tm__out_of_memory(void) __attribute__((cold));

/* Makes a block at a multiple of `alignment` (a power of two), and charges it to the caller. NULL with ENOMEM. */
void *tm__allocate(size_t alignment, size_t size);

/* The same, for a plain block of 1 byte or more, in an object that the caller has, and that has no room for a tail. */
void *tm__allocate_in(void *base, size_t alignment, size_t size) __attribute__((cold));

/* Marks a live block, which is credited already, as freed, and gives its object back. Keeps errno. */
void tm__discard(void *user, const struct tm__block *block);

/* As tm__inspect(), but reports a block that is freed already, or damaged. If that returns, the caller does nothing. */
static inline struct tm__block tm__inspect_or_report(void *user, const char *verb)
{
    struct tm__block block = tm__inspect(user);
    if (block.kind != TM__LIVE && block.kind != TM__FOREIGN)
        tm__report_block_error(user, &block, verb);
    return block;
}

/* Credits and frees a live block, whichever thread owns it. */
void tm__release(void *user, const struct tm__block *block);

#endif
