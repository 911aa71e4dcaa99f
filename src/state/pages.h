/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which parts of the region can be written to. If the region is private memory, all of it is reserved as read-only
 * memory, and opened in steps as it is used: limits of data size, and strict overcommit (vm.overcommit_memory=2), count
 * only what is open. One step, which takes one system call, has room for some hundred threads.
 */
#ifndef TM_PAGES_H
#define TM_PAGES_H

#include "state/layout.h"

#include <stdbool.h>

/*
 * Makes this part of the region writable; false if that is not possible. Memory of a file must be populated first,
 * since on a full disk the first access to it is a signal, not an error. Parts of an area must be asked for in their
 * order.
 */
bool tm__make_writable(const void *part, size_t size);

/*
 * For a new region that no other thread has: opens the steps where head, tags, retired rows and slots begin. It does so without
 * mprotect, which a sandbox may forbid.
 */
bool tm__open_first(struct tm__region *region, size_t mapped);

/*
 * In a fork's child whose region has become private: opens the rest of the step in which the used part of the area
 * ends.
 */
bool tm__open_rest(size_t area_start, size_t used, size_t mapped);

/*
 * For sparse memory: prevents a huge page in place of a few small ones, where the system uses huge pages for
 * everything.
 */
void tm__avoid_huge_pages(void *memory, size_t size);

/*
 * The same for memory of a file, before it is touched: also prevents that the kernel reads ahead. Where the file system
 * is on a disk it would, for each page that is touched, fill and keep 32 or more with zeros, since that is what a hole
 * reads as.
 */
void tm__avoid_excess_pages(void *memory, size_t size);

#endif
