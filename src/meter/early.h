/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a thread allocates while it attaches. Attaching calls libc. Another library may replace those functions and
 * allocate in them, so that the thread would attach again inside attaching, without end. A thread may therefore be
 * attaching twice at once, but not more. What it allocates beyond that is charged to the overflow slot, and so is what
 * it allocates while the options are read. The sums are kept here until the thread has attached, since there may be no
 * region before.
 */
#ifndef TM_EARLY_H
#define TM_EARLY_H

#include <stddef.h>

void tm__charge_early(size_t size);
void tm__credit_early(size_t size);

/* To be called once the region is open: adds what was kept here to the overflow slot. */
void tm__flush_early_charges(void);

#endif
