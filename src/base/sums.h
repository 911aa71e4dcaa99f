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
    sum->remote_frees_received_bytes += more->remote_frees_received_bytes;
    sum->remote_frees_received_blocks += more->remote_frees_received_blocks;
    sum->remote_frees_made_bytes += more->remote_frees_made_bytes;
}

static inline void tm__subtract_totals(struct tm_totals *sum, const struct tm_totals *less)
{
    sum->allocated_bytes -= less->allocated_bytes;
    sum->allocated_blocks -= less->allocated_blocks;
    sum->freed_bytes -= less->freed_bytes;
    sum->freed_blocks -= less->freed_blocks;
    sum->remote_frees_received_bytes -= less->remote_frees_received_bytes;
    sum->remote_frees_received_blocks -= less->remote_frees_received_blocks;
    sum->remote_frees_made_bytes -= less->remote_frees_made_bytes;
}

#endif
