/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/tag_table.h"
#include "base/large.h"
#include "base/options.h"
#include "state/pages.h"
#include "state/retired.h"
#include "state/settled.h"

#include <string.h>

static_assert(TM__TAG_NAME == TM_TAG_NAME_MAX + 1, "a name and its terminating 0");

struct tm__tag_use tm__tag_uses[TM__TAG_PLACES] TM__LARGE;
_Atomic uint32_t tm__tags_ended;

/* Memory order does not matter here: the region is the caller's alone, and is published as a whole. */
void tm__init_tags(struct tm__region *region)
{
    struct tm__tag *other = &region->tags[TM_TAG_OTHER];
    strcpy(other->name.text, "other");
    uint64_t limit = tm__limit_from_environment(other->name.text);
    /*
     * This variable is not part of the region: if another thread's region was decided on in the meantime, this must not
     * take away a limit that was set there. So it is only ever set here.
     */
    if (limit != 0)
        atomic_store(&tm__tag_uses[TM_TAG_OTHER].bounded, true);
    tm__store(&other->limit, limit);
    atomic_store(&other->number, TM_TAG_OTHER);
    atomic_store(&other->state, TM__TAG_OPEN);
    atomic_store(&region->head.tags_used, TM_TAG_OTHER + 1);
}

/*
 * The state of the tag with this number; TM__TAG_UNUSED, too, if the place now has another tag. First the state is
 * loaded, then the number, both with acquire. A place becomes unused, then gets the next tag's name, then its number,
 * and then is open. So a caller that has read anything of the next tag before this finds the place unused, or another
 * number; and a tag is never taken for open because of the next one's state.
 */
static enum tm__tag_state state_under(tm_tag number)
{
    if (number <= 0)
        return TM__TAG_UNUSED;
    const struct tm__tag *tag = tm__tag_at(tm__tag_place(number));
    enum tm__tag_state state = tm__tag_state_of(tag);
    return atomic_load_explicit(&tag->number, memory_order_acquire) == number ? state : TM__TAG_UNUSED;
}

struct tm__tag *tm__find_tag(tm_tag number)
{
    return state_under(number) != TM__TAG_UNUSED ? tm__tag_at(tm__tag_place(number)) : NULL;
}

bool tm__tag_is_open(tm_tag number)
{
    return state_under(number) == TM__TAG_OPEN;
}

/*
 * The place of the open tag of this name, or else a place for a new one; TM_TAG_OTHER if there is none. The lock is
 * held. From here on all relaxed loads are of what was stored with the lock held.
 */
uint32_t tm__tag_place_for(const char *name)
{
    uint32_t used = atomic_load_explicit(&tm__region_now()->head.tags_used, memory_order_relaxed), unused = 0;
    for (uint32_t place = TM_TAG_OTHER; place < used; place++) {
        enum tm__tag_state state = tm__tag_state_of(tm__tag_at(place));
        if (state == TM__TAG_OPEN && strcmp(tm__tag_at(place)->name.text, name) == 0)
            return place;
        if (state == TM__TAG_UNUSED && unused == 0)
            unused = place;
    }
    if (unused != 0)
        return unused;
    bool room = used < TM__TAG_PLACES && tm__make_writable(tm__tag_at(used), sizeof(struct tm__tag));
    return room ? used : TM_TAG_OTHER;
}

void tm__start_tag(uint32_t place, const char *name)
{
    struct tm__head *head = &tm__region_now()->head;
    struct tm__tag *tag = tm__tag_at(place);
    uint32_t last = (uint32_t)atomic_load_explicit(&tag->number, memory_order_relaxed);
    uint32_t next = last == 0 ? place : (last + TM__TAG_PLACES) & INT32_MAX;
    /* Each is a release, since other threads may be reading the place: see state_under(). */
#define CLEAR(name) tm__store_release(&tag->gone.name, 0);
    TM__SETTLED_COUNTERS(CLEAR)
#undef CLEAR
    tm__store_release(&tag->gone_peak_bytes, 0);
    uint64_t words[TM__TAG_NAME_WORDS] = {0};
    memcpy(words, name, strlen(name));
    for (int i = 0; i < TM__TAG_NAME_WORDS; i++)
        tm__store_release(&tag->name.words[i], words[i]);
    uint64_t limit = tm__limit_from_environment(name);
    /* No thread is in the tag yet, so none reads this. */
    tm__tag_uses[place] = (struct tm__tag_use){.bounded = limit != 0};
    tm__store(&tag->limit, limit); /* read with the lock held, or alone by other processes */
    atomic_store_explicit(&tag->number, (tm_tag)next, memory_order_release);
    atomic_store_explicit(&tag->state, TM__TAG_OPEN, memory_order_release);
    if (place == atomic_load_explicit(&head->tags_used, memory_order_relaxed))
        atomic_store_explicit(&head->tags_used, place + 1, memory_order_release);
}

/* Release, like each change of a state: a thread that sees it sees what the tag was before, see state_under(). */
void tm__free_tag_if_empty(struct tm__tag *tag, const struct tm__tag_use *use)
{
    if (use->first_slot == 0 && tm__tag_state_of(tag) == TM__TAG_ENDED)
        atomic_store_explicit(&tag->state, TM__TAG_UNUSED, memory_order_release);
}

static _Atomic bool entered; /* relaxed: see tm__tags_have_slots() */

bool tm__tags_have_slots(void)
{
    return atomic_load_explicit(&entered, memory_order_relaxed);
}

bool tm__tag_add_slot(tm_tag number, struct tm__slot *slot)
{
    atomic_store_explicit(&entered, true, memory_order_relaxed);
    enum tm__access access = tm__access_tags();
    const struct tm__tag *tag = tm__find_tag(number);
    struct tm__tag_use *use = tm__tag_use_of(number);
    bool open = access != TM__DENIED && tag && tm__tag_state_of(tag) == TM__TAG_OPEN;
    if (open) {
        atomic_store_explicit(&slot->identity.tag, (uint32_t)number, memory_order_relaxed); /* see tm__identity */
        slot->next_of_tag = use->first_slot;
        /* The list is whole at any moment, for a signal handler that may read it. */
        atomic_signal_fence(memory_order_release);
        use->first_slot = tm__slot_in(slot->owner.account);
    }
    tm__end_tags(access);
    return open;
}

static void unlink_slot(struct tm__tag_use *use, const struct tm__slot *slot)
{
    uint32_t *link = &use->first_slot, number = tm__slot_in(slot->owner.account);
    while (*link != number)
        link = &tm__slot_at(*link)->next_of_tag;
    *link = slot->next_of_tag;
}

bool tm__tag_remove_slot(tm_tag number, struct tm__slot *slot, uint64_t generation_state,
                         void (*reset)(struct tm__slot *, struct tm_totals *))
{
    struct tm__tag *tag = tm__tag_at(tm__tag_place(number));
    struct tm__tag_use *use = tm__tag_use_of(number);
    struct tm_totals counted;
    enum tm__access access = tm__access_tags();
    if (access == TM__DENIED)
        return false;
    /*
     * `changes` becomes odd before the slot is free, and so no longer among the tag's slots, and becomes even after its
     * counters were added here: a reader that has read in between reads again. The exchange of generation_state, which
     * has the default order and is acquired by a reader that finds the slot free, makes sure that `changes` is odd
     * first, and so does the fence in tm__reset_slot(). The second addition is a release after all of it.
     */
    atomic_fetch_add_explicit(&tag->changes, 1, memory_order_acq_rel);
    bool is_freed = atomic_compare_exchange_strong(&slot->identity.generation_state, &generation_state,
                                                   (generation_state & ~UINT64_C(0xff)) | TM__FREE);
    if (is_freed) {
        unlink_slot(use, slot);
        reset(slot, &counted);
        tm__add_settled(&tag->gone, &counted); /* `changes` is odd meanwhile */
        tm__store(&tag->gone_peak_bytes, tm__load(&tag->gone_peak_bytes) + counted.peak_bytes);
        if (!tm__did_nothing(&counted))
            tm__record_retired(slot, tag, &counted);
    }
    atomic_fetch_add_explicit(&tag->changes, 1, memory_order_release);
    if (is_freed)
        tm__free_tag_if_empty(tag, use);
    tm__end_tags(access);
    return is_freed;
}

uint64_t tm__limit_of(tm_tag number)
{
    return tm__load(&tm__tag_at(tm__tag_place(number))->limit);
}
