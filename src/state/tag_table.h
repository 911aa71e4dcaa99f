/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of tags: names, which tags are open, and what slots that are no longer charged to a tag had counted. A
 * tag's number tells its place in the table, and which of the tags is meant that have been there one after the other.
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

/* What only this process needs to know of a tag. One for each place; protected by the lock, except `bounded`. */
struct tm__tag_use {
    uint32_t openings;
    uint32_t first_slot;  /* of the list of slots that are charged to it; 0: none */
    _Atomic bool bounded; /* it has a hard or a soft limit */
    struct tm__soft soft;
    /* Bytes until the lowest limit that are neither live nor leased, or fewer; and how many of them a lease takes. */
    uint64_t room, share;
    bool leased; /* some slot may have a lease */
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

/* The tag with this number, open or ended; NULL if it is neither. */
struct tm__tag *tm__find_tag(tm_tag number);

/* The next three functions must be called with the tags' lock held. */
uint32_t
tm__tag_place_for(const char *name); /* of the open tag of this name, or for a new one; TM_TAG_OTHER: there is none */
void tm__start_tag(uint32_t place, const char *name);
void tm__free_tag_if_empty(struct tm__tag *tag, const struct tm__tag_use *use);

/*
 * Adds TM_TAG_OTHER to a new region. Several threads may each do so for a region of their own, one of which is then
 * used.
 */
void tm__init_tags(struct tm__region *region);

/* Grows after each end of a tag (release). A thread that finds that it has grown (acquire) searches its tag slots. */
extern _Atomic uint32_t tm__tags_ended __attribute__((visibility("hidden")));

bool tm__tag_is_open(tm_tag tag);

/*
 * Whether any thread has ever entered a tag. Relaxed: a report made at just that moment shows a thread's slots one by
 * one.
 */
bool tm__tags_have_slots(void);

/* From now on the slot, which is TM__FREE and the caller's, is charged to the tag; false if the tag is not open. */
bool tm__tag_add_slot(tm_tag tag, struct tm__slot *slot);

/*
 * From now on the slot, all of whose blocks are freed, is TM__FREE, and is no longer charged to the tag. `reset` is
 * called with the same lock held: it ends the slot's generation and returns what that counted, so that a fork finds
 * both done, or neither. False, without an effect, if the slot's generation_state has changed; or if the caller is a
 * signal handler that interrupted a change of the tags: then an orphan waits for tm__reap_slot().
 */
bool tm__tag_remove_slot(tm_tag tag, struct tm__slot *slot, uint64_t generation_state,
                         void (*reset)(struct tm__slot *slot, struct tm_totals *counted));

/* The present hard limit in bytes; 0: none. Takes no lock. */
uint64_t tm__limit_of(tm_tag tag);

/*
 * Whether each allocation in the tag must be checked, since there is a hard or a soft limit. A thread that sets a limit
 * then sets the watermarks of the tag's slots to 0. So a thread that asks after it has exchanged a watermark sees the
 * limit, or else that 0 comes later. Relaxed: it has acquired that with the watermark, or with the lock, when its slot
 * was added to the tag.
 */
static inline bool tm__tag_is_bounded(tm_tag number)
{
    return atomic_load_explicit(&tm__tag_use_of(number)->bounded, memory_order_relaxed);
}

#endif
