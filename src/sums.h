/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums of totals. Peaks are left alone: what two of them make together is for the caller to say. */
#ifndef TM_SUMS_H
#define TM_SUMS_H

#include "threadmeter/totals.h"

static inline void tm__add_totals(struct tm_totals *sum, const struct tm_totals *more)
{
    sum->allocated_bytes += more->allocated_bytes;
    sum->allocated_blocks += more->allocated_blocks;
    sum->freed_bytes += more->freed_bytes;
    sum->freed_blocks += more->freed_blocks;
    sum->freed_by_others_bytes += more->freed_by_others_bytes;
    sum->freed_by_others_blocks += more->freed_by_others_blocks;
    sum->freed_of_others_bytes += more->freed_of_others_bytes;
}

static inline void tm__subtract_totals(struct tm_totals *sum, const struct tm_totals *less)
{
    sum->allocated_bytes -= less->allocated_bytes;
    sum->allocated_blocks -= less->allocated_blocks;
    sum->freed_bytes -= less->freed_bytes;
    sum->freed_blocks -= less->freed_blocks;
    sum->freed_by_others_bytes -= less->freed_by_others_bytes;
    sum->freed_by_others_blocks -= less->freed_by_others_blocks;
    sum->freed_of_others_bytes -= less->freed_of_others_bytes;
}

#endif
