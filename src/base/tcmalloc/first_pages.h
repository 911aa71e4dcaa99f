/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcmalloc fills nearly 4 MiB with zeros when it starts: static memory, and the first leaf of its page map. Each page
 * of it is a page fault, and together they are most of what a short process takes. Here the kernel is asked for these
 * pages by two calls. This is advice: where tcmalloc or the kernel is another one, it starts as it would without.
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

/*
 * Before tcmalloc has touched it. `part` is anything in tcmalloc's static memory; nothing is done if that is the
 * program's. Takes no lock, and allocates nothing.
 */
void tm__populate_static_memory(const void *part);

/* Before the leaf is touched. It begins at a multiple of TM__LEAF, or there is no huge page for it. */
void tm__populate_leaf(void *leaf);

#ifdef __cplusplus
}
#endif

#endif
