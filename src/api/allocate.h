/* SPDX-License-Identifier: BSD-3-Clause */
/* What the entry points share: blocks of any size and alignment, charged; and their end. */
#ifndef TM_ALLOCATE_H
#define TM_ALLOCATE_H

#include "block/block.h"
#include "block/inspect.h"
#include "block/misuse.h"

#include <stddef.h>

/* NULL, and errno is ENOMEM. */
void *tm__out_of_memory(void) __attribute__((cold));

/* A block charged to the caller, at a multiple of `alignment` (a power of two); NULL with ENOMEM. */
void *tm__allocate(size_t alignment, size_t size);

/* The same in an object that the backend made for it without a tail, 1 byte or more; charged nothing yet. */
void *tm__allocate_in(void *base, size_t alignment, size_t size) __attribute__((cold));

/* Buries a live block that is credited already, and gives its object back; errno is kept. */
void tm__discard(void *user, const struct tm__block *block);

/* As tm__inspect(); a block freed already or damaged is told, which ends the process or leaves the pointer to lie. */
static inline struct tm__block tm__inspect_or_report(void *user, const char *verb)
{
    struct tm__block block = tm__inspect(user);
    if (block.kind != TM__LIVE && block.kind != TM__FOREIGN)
        tm__report_block_error(user, &block, verb);
    return block;
}

/* Frees a live block, whoever owns it. */
void tm__release(void *user, const struct tm__block *block);

#endif
