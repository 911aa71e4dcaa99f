/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits of tags. Far from the limit, each thread charges to its lease (lease.h). When it has used that up, or when the
 * limit is near, allocations in the tag are checked and charged one after another, under the tags' lock.
 */
#ifndef TM_TAG_LIMITS_H
#define TM_TAG_LIMITS_H

#include "block/block.h"
#include "meter/credit.h"
#include "state/tag_table.h"
#include "threadmeter/tags.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the caller may charge `size` bytes to its slot, and then credit the block `replaced` (NULL: none). If it may,
 * and the tag has a limit, the bytes are charged when this returns (the caller then stores the same sum again, which
 * changes nothing). If `replaced` is of the same tag, it is credited too, as far as `credited` says: for other threads
 * in the tag, both are one step.
 */
bool tm__tag_admits(tm_tag tag, size_t size, const struct tm__block *replaced, bool refusable, bool *bounded,
                    enum tm__credited *credited);

/*
 * A limit of the tag was changed: makes the threads that are in the tag look at it. To be called with the tags' lock
 * held.
 */
void tm__bound_tag(const struct tm__tag *tag, struct tm__tag_use *use);

#endif
