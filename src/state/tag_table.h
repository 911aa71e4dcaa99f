/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tags' own table: names, who is open, and what slots that are gone had charged to them. A tag's number says where
 * in the table it is, and which of those that were there before and after it is meant.
 */
#ifndef TM_TAGS_H
#define TM_TAGS_H

#include "state/slot.h"
#include "threadmeter/tags.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static inline uint32_t tm__tag_place(tm_tag tag)
{
    return (uint32_t)tag % TM__TAG_PLACES;
}

/* In new books there is TM_TAG_OTHER. May be called for several, of which one is taken. */
void tm__init_tags(struct tm__region *region);

/* Grows (release) behind the end of each tag; who holds slots for tags looks through them when it has (acquire). */
extern _Atomic uint32_t tm__tags_ended __attribute__((visibility("hidden")));

bool tm__tag_is_open(tm_tag tag);

/* Whether any thread ever entered one. Relaxed: a report that comes just then has a thread's slots one by one. */
bool tm__tags_have_slots(void);

struct tm__block;

/* The slot, which is TM__FREE and the caller's, is charged to the tag from now on; false if that is not open. */
bool tm__tag_add_slot(tm_tag tag, struct tm__slot *slot);

/*
 * The slot, all of whose blocks are freed, is charged to it no more, and TM__FREE. Under the same lock as `settle`, which
 * puts the slot's own books in order and says what it was charged, so that a fork finds both done or neither. False, and
 * nothing is changed, if its `life` is another by now; or if the caller, in a signal handler, interrupted a change of the
 * tags: then an orphan waits for tm__reap_slot().
 */
bool tm__tag_remove_slot(tm_tag tag, struct tm__slot *slot, uint64_t life,
                         void (*settle)(struct tm__slot *slot, struct tm_totals *gone));

/* The hard limit as it is just now, in bytes; 0: none. Takes no lock. */
uint64_t tm__limit_of(tm_tag tag);

/*
 * Whether each allocation in the tag must be admitted: there is a limit of either kind. Who sets one sets the
 * watermarks of the tag's slots to 0 behind it. So who asks behind a swap of a watermark sees the limit, or else the 0
 * comes later.
 */
bool tm__tag_is_bounded(tm_tag tag);

/*
 * Whether the caller may charge `size` bytes to its slot, and then credit `instead` (NULL: nothing). If so, and the tag
 * is bounded, the bytes are charged when this returns; the caller does it again, to no effect. And where `instead` is of
 * the same tag, it is credited as far as `credited` says: for others in the tag, both are one step.
 */
bool tm__tag_admits(tm_tag tag, size_t size, const struct tm__block *instead, bool refusable, bool *bounded,
                    enum tm__credited *credited);

/*
 * Around a fork, so that the child does not find the table half changed by another thread. False if the caller's has the
 * lock already, and a signal handler forks: what it interrupted goes on in parent and child, and gives the lock itself.
 */
bool tm__lock_tags(void);
void tm__unlock_tags(void);
void tm__tags_after_fork(void); /* in the child, in which no other thread has the lock */

#endif
