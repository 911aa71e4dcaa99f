/* SPDX-License-Identifier: BSD-3-Clause */
/* What the entry points share: blocks of any size and alignment, charged; and their end. */
#ifndef TM_ALLOCATE_H
#define TM_ALLOCATE_H

#include "block.h"
#include "fatal.h"

#include <stddef.h>

/* A block charged to the caller, at a multiple of `alignment` (a power of two); NULL with ENOMEM. */
void *tm__allocate(size_t alignment, size_t size);

/* As tm__inspect(), but a block freed already or damaged ends the process. `verb`: "freed", "reallocated". */
static inline struct tm__block tm__inspect_or_die(void *user, const char *verb)
{
    struct tm__block block = tm__inspect(user);
    if (block.kind == TM__FREED || block.kind == TM__DAMAGED)
        tm__die_of_block(user, &block, verb);
    return block;
}

/* Frees a live block, whoever owns it. */
void tm__release(void *user, const struct tm__block *block);

#endif
