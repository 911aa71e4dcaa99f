/* SPDX-License-Identifier: BSD-3-Clause */
/* The slots that a thread has for tags, beside its home slot: entering and leaving, and what they are together. */
#ifndef TM_SIBLINGS_H
#define TM_SIBLINGS_H

#include "state/slot.h"
#include "threadmeter/tags.h"

/* How many slots the calling thread has; home is number 0. Async-signal-safe, as is the next. */
uint32_t tm__count_own_slots(void);
struct tm__slot *tm__own_slot(uint32_t number);

/* Live bytes of all of the calling thread's slots but this one. */
uint64_t tm__live_in_own_slots(const struct tm__owner *but);

/* The calling thread's bounds, and a place for its slots for tags; made if there are none. NULL: there is no memory. */
struct tm__bounds *tm__open_bounds(void);

/* The thread leaves its home slot: before that, it leaves the others, and its bounds. */
void tm__leave_tag_slots(void);

/* For units that are built with -DTM_TAG. */
tm_tag tm__enter_unit(_Atomic tm_tag *unit, const char *name) __attribute__((visibility("default")));

#endif
