/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bounds: what a thread's live bytes are compared with, other than the peak of the slot that it is in. These are the
 * peak of all its slots together, the section that it is in, its own limits, and those of its tag. While a thread has
 * any of them it is `bounded`. When the last one ends, the next allocation that checks all bounds finds that out.
 */
#ifndef TM_BOUNDS_H
#define TM_BOUNDS_H

#include "block/block.h"
#include "meter/credit.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes the calling thread's next allocation check all bounds. The thread must have a home slot and tm__thread.bounds.
 */
void tm__recheck_limits(void);

/*
 * To be called before the caller charges `size` bytes to the slot that it is in, and then credits the block `replaced`
 * (NULL: none). `credited` says afterwards how much of that credit is done already. Returns false, and changes nothing,
 * if a limit forbids the charge; but always true if the charge is not `refusable`.
 */
bool tm__check_limits(size_t size, const struct tm__block *replaced, bool refusable, enum tm__credited *credited);

/* To be called after the charge: runs the callbacks of the soft limits that it crossed. */
void tm__call_soft_limits(void);

#endif
