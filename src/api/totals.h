/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums over slots, for the library's own use: threadmeter/totals.h has the public ones. */
#ifndef TM_API_TOTALS_H
#define TM_API_TOTALS_H

#include "threadmeter/totals.h"

#include <stdint.h>

/* Adds what is charged to a tag by slots that there are. */
void tm__add_slots_of(int32_t tag, struct tm_totals *sum);

/* The same of a thread: not what it had charged to tags that have ended. No peak, which only the thread has. */
void tm__add_slots_of_thread(uint64_t thread, struct tm_totals *sum);

#endif
