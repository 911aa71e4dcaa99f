/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits of tags: what is allocated in a tag that has one is admitted under the tags' lock. */
#ifndef TM_TAG_LIMITS_H
#define TM_TAG_LIMITS_H

#include "block/block.h"
#include "meter/credit.h"
#include "threadmeter/tags.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the caller may charge `size` bytes to its slot, and then credit `instead` (NULL: nothing). If so, and the tag
 * is bounded, the bytes are charged when this returns; the caller does it again, to no effect. And where `instead` is of
 * the same tag, it is credited as far as `credited` says: for others in the tag, both are one step.
 */
bool tm__tag_admits(tm_tag tag, size_t size, const struct tm__block *instead, bool refusable, bool *bounded,
                    enum tm__credited *credited);

#endif
