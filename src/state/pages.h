/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of the books can be written to. Where they are ours alone, all is reserved as memory that can only be read, and
 * opened in steps as it comes to be used: limits of data, and of what a machine promises (vm.overcommit_memory=2), apply to
 * what is open. A process that grows opens a step, by one system call, for some hundred threads.
 */
#ifndef TM_ROOM_H
#define TM_ROOM_H

#include "state/layout.h"

#include <stdbool.h>

/*
 * Whether this part of the books can be written to. Memory of a file may not be there when it is touched, on a full
 * disk; that is a signal, where running out of other memory is an error. Parts of an area are asked for in their order.
 */
bool tm__make_writable(const void *part, size_t size);

/* Of new books, which nobody else has: opens where head, tags and slots begin. Without mprotect, which may be forbidden. */
bool tm__open_first(struct tm__region *region, size_t mapped);

/* In a fork's child, of books that have become its own: opens the rest of the step in which the area's use ends. */
bool tm__open_rest(size_t area_start, size_t used, size_t there);

/* Of sparse memory: that no huge page takes the place of a few small ones, where the system makes such of all there is. */
void tm__avoid_huge_pages(void *memory, size_t size);

#endif
