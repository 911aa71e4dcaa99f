/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums over slots, for the library's own use; threadmeter/totals.h has the public functions. */
#ifndef TM_API_TOTALS_H
#define TM_API_TOTALS_H

#include "threadmeter/totals.h"

#include <stdint.h>

/* Adds the totals, and the peaks, of all slots that are charged for this tag now. */
void tm__add_slots_of(int32_t tag, struct tm_totals *sum);

/*
 * Adds the totals of all accounts of this thread, without what it did for tags that have ended and whose slot is reset.
 * Leaves the peak as it is: peaks of slots do not add up to the thread's.
 */
void tm__add_slots_of_thread(uint64_t thread, struct tm_totals *sum);

#endif
