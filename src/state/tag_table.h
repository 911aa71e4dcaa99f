/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tags' own table: names, who is open, and what slots that are gone had charged to them. A tag's number says where
 * in the table it is, and which of those that were there before and after it is meant.
 */
#ifndef TM_TAG_TABLE_H
#define TM_TAG_TABLE_H

#include "state/slot.h"
#include "state/tags_lock.h"
#include "threadmeter/tags.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static inline uint32_t tm__tag_place(tm_tag tag)
{
    return (uint32_t)tag % TM__TAG_PLACES;
}

/* What concerns nobody but this process. By place, under the lock but for `bounded`. */
struct tm__tag_use {
    uint32_t openings;
    uint32_t first_slot;  /* of the list of those that are charged to it; 0: none */
    _Atomic bool bounded; /* there is a limit of either kind */
    struct tm__soft soft;
};
extern struct tm__tag_use tm__tag_uses[TM__TAG_PLACES] __attribute__((visibility("hidden")));

enum { TM__TAG_NAME_WORDS = TM__TAG_NAME / sizeof(uint64_t) };

static inline struct tm__tag *tm__tag_at(uint32_t place)
{
    return &tm__region_now()->tags[place];
}

static inline enum tm__tag_state tm__tag_state_of(const struct tm__tag *tag)
{
    return (enum tm__tag_state)atomic_load_explicit(&tag->state, memory_order_acquire);
}

static inline struct tm__tag_use *tm__tag_use_of(tm_tag number)
{
    return &tm__tag_uses[tm__tag_place(number)];
}

/* The tag of this number, open or ended; NULL if it is neither. */
struct tm__tag *tm__find_tag(tm_tag number);

/* All of these under the tags' lock. */
uint32_t
tm__tag_place_for(const char *name); /* of the open tag of this name, or one for it; TM_TAG_OTHER: there is none */
void tm__start_tag(uint32_t place, const char *name);
void tm__free_tag_if_gone(struct tm__tag *tag, const struct tm__tag_use *use);

/* Under the lock: a limit of the tag was changed, which the threads that are in it are to look at. */
void tm__bound_tag(const struct tm__tag *tag, struct tm__tag_use *use);

/* In new books there is TM_TAG_OTHER. May be called for several, of which one is taken. */
void tm__init_tags(struct tm__region *region);

/* Grows (release) behind the end of each tag; who holds slots for tags looks through them when it has (acquire). */
extern _Atomic uint32_t tm__tags_ended __attribute__((visibility("hidden")));

bool tm__tag_is_open(tm_tag tag);

/* Whether any thread ever entered one. Relaxed: a report that comes just then has a thread's slots one by one. */
bool tm__tags_have_slots(void);

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

#endif
