/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is gone, by thread name and tag: each account that is retired is added to one of these rows. The table is never
 * emptied. It grows while there is room; then what has a new name is added to row 0.
 *
 * A slot is freed first, and then added here. So a reader that reads these rows before the slots finds no more in them
 * than in the slots' retired totals, and the rest was being retired meanwhile. All counters only grow: what is the same
 * when it is read twice is of one moment.
 */
#ifndef TM_RETIRED_H
#define TM_RETIRED_H

#include "state/region.h"
#include "threadmeter/totals.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Adds a generation of this slot that has just ended, and what it counted. `tag` is the tag that it was charged to, or
 * NULL. The tags' lock is held.
 */
void tm__record_retired(const struct tm__slot *slot, const struct tm__tag *tag, const struct tm_totals *counted);

/* Rows are numbered from 0 to one less than this. */
static inline uint32_t tm__retired_used(void)
{
    return atomic_load_explicit(&tm__region_now()->head.retired_used, memory_order_acquire);
}

/* Whether two rows are of one thread name. Row 0 is of none. */
bool tm__is_same_retired_name(uint32_t place, uint32_t other);

#endif
