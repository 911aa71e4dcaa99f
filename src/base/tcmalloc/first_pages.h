/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcmalloc fills the first leaf of its page map, 2 MiB, with zeros when it starts. Each page of it is a page fault, and
 * together they are a third of what a short process takes. Here the kernel is asked for these pages by one call. This is
 * advice: where tcmalloc or the kernel is another one, it starts as it would without. (Nor is its static memory asked
 * for, half as large: to find it takes a function of libc, which somebody may interpose, while tcmalloc's lock is held.)
 */
#ifndef TM_FIRST_PAGES_H
#define TM_FIRST_PAGES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Of tcmalloc's first request, for its own records, which is for TM__RECORDS bytes: the leaf is this far from its start,
 * behind three smaller pieces, and as large as a huge page.
 */
#define TM__RECORDS ((size_t)8 << 20)
#define TM__LEAF_OFFSET ((size_t)384 << 10)
#define TM__LEAF ((size_t)2 << 20)

#ifdef __cplusplus
extern "C" {
#endif

/* Before the leaf is touched. It begins at a multiple of TM__LEAF, or there is no huge page for it. */
void tm__populate_leaf(void *leaf);

#ifdef __cplusplus
}
#endif

#endif
