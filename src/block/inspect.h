/* SPDX-License-Identifier: BSD-3-Clause */
/* What is before a pointer: a header of ours, what is left of one, or neither. */
#ifndef TM_INSPECT_H
#define TM_INSPECT_H

#include "block/block.h"

#include <stdbool.h>

/*
 * Never faults, changes nothing. The result is written in place: if it were returned, it would be copied in larger
 * pieces than it was written in, and a processor has to wait for that.
 */
void tm__inspect_into(struct tm__block *block, const void *user);

static inline struct tm__block tm__inspect(const void *user)
{
    struct tm__block block;
    tm__inspect_into(&block, user);
    return block;
}

/* A quick check for searches: false means that tm__inspect() would find no live block. The header must be readable. */
bool tm__may_be_live(const void *user);

#endif
