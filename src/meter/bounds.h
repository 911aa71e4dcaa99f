/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a thread's live bytes are held against beside its slot's peak: the peak of all its slots together, the section
 * that it is in, limits of its own and of its tag. While there is anything of that, the thread is `bounded`; what is left
 * when the last of it has gone is found out by the next allocation that looks at all bounds.
 */
#ifndef TM_BOUNDS_H
#define TM_BOUNDS_H

#include "block/block.h"
#include "meter/credit.h"

#include <stdbool.h>
#include <stddef.h>

/* Lets the thread's next allocation look at all bounds. It must have a home slot, and bounds. */
void tm__recheck_limits(void);

/*
 * The caller is about to charge `size` bytes to the slot that it is in, and then to credit `instead` (NULL: nothing), as
 * far as that is not done already. False if a limit is in the way, and nothing has changed; not if it is not `refusable`.
 */
bool tm__check_limits(size_t size, const struct tm__block *instead, bool refusable, enum tm__credited *credited);

/* Behind the charge: calls those whose soft limit was passed. */
void tm__call_soft_limits(void);

#endif
