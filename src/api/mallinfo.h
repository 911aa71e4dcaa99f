/* SPDX-License-Identifier: BSD-3-Clause */
/* glibc's two structs about a heap. The older one, struct mallinfo, can only say sizes below 2 GiB. */
#ifndef TM_MALLINFO_H
#define TM_MALLINFO_H

#include <malloc.h>

#if !__GLIBC_PREREQ(2, 33)
struct mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
#endif

/* As glibc does it: sizes that are too large are truncated. */
static inline struct mallinfo tm__narrow_mallinfo(const struct mallinfo2 *wide)
{
    return (struct mallinfo){
        .arena = (int)wide->arena,
        .ordblks = (int)wide->ordblks,
        .smblks = (int)wide->smblks,
        .hblks = (int)wide->hblks,
        .hblkhd = (int)wide->hblkhd,
        .usmblks = (int)wide->usmblks,
        .fsmblks = (int)wide->fsmblks,
        .uordblks = (int)wide->uordblks,
        .fordblks = (int)wide->fordblks,
        .keepcost = (int)wide->keepcost,
    };
}

#endif
