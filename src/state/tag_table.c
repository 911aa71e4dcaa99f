/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/tag_table.h"
#include "base/options.h"
#include "state/pages.h"
#include "state/settled.h"

#include <string.h>

static_assert(TM__TAG_NAME == TM_TAG_NAME_MAX + 1, "a name and its end");

struct tm__tag_use tm__tag_uses[TM__TAG_PLACES];
_Atomic uint32_t tm__tags_ended;

/* Of whatever order: it is the caller's alone, and published with the books. */
void tm__init_tags(struct tm__region *region)
{
    struct tm__tag *other = &region->tags[TM_TAG_OTHER];
    strcpy(other->name.text, "other");
    uint64_t limit = tm__limit_from_environment(other->name.text);
    /* Not of these books alone: one who comes late, and whose are not taken, must take away no limit that was set. */
    if (limit != 0)
        atomic_store(&tm__tag_uses[TM_TAG_OTHER].bounded, true);
    tm__store(&other->limit, limit);
    atomic_store(&other->number, TM_TAG_OTHER);
    atomic_store(&other->state, TM__TAG_OPEN);
    atomic_store(&region->head.tags_used, TM_TAG_OTHER + 1);
}

/*
 * Of the tag of this number; unused, too, if the place is another's by now. State first, then number, both acquired: a
 * place is unused, gets the next one's name, then its number, then is open. So who has read anything of the next one
 * before this finds the place unused, or under another number; and no number is taken for open by the next one's state.
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
 * The place of the open tag of this name, or else one for it; TM_TAG_OTHER's if there is none. Under the lock, as all
 * that is loaded relaxed from here to the limits: it was stored under it, too.
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
    /* Each released, as it may be read already: see state_under(). */
#define CLEAR(name) tm__store_release(&tag->gone.name, 0);
    TM__SETTLED_COUNTERS(CLEAR)
#undef CLEAR
    tm__store_release(&tag->gone_peak_bytes, 0);
    uint64_t words[TM__TAG_NAME_WORDS] = {0};
    memcpy(words, name, strlen(name));
    for (int i = 0; i < TM__TAG_NAME_WORDS; i++)
        tm__store_release(&tag->name.words[i], words[i]);
    uint64_t limit = tm__limit_from_environment(name);
    tm__tag_uses[place] = (struct tm__tag_use){.bounded = limit != 0}; /* nobody is in it, or would ask */
    tm__store(&tag->limit, limit); /* read under the lock, or from outside, by itself */
    atomic_store_explicit(&tag->number, (tm_tag)next, memory_order_release);
    atomic_store_explicit(&tag->state, TM__TAG_OPEN, memory_order_release);
    if (place == atomic_load_explicit(&head->tags_used, memory_order_relaxed))
        atomic_store_explicit(&head->tags_used, place + 1, memory_order_release);
}

/* Released, as each change of a state: who sees it sees what the tag was until then, see state_under(). */
void tm__free_tag_if_gone(struct tm__tag *tag, const struct tm__tag_use *use)
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
        atomic_signal_fence(memory_order_release); /* the list is whole at any moment, for who is not denied it */
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

bool tm__tag_remove_slot(tm_tag number, struct tm__slot *slot, uint64_t life,
                         void (*settle)(struct tm__slot *, struct tm_totals *))
{
    struct tm__tag *tag = tm__tag_at(tm__tag_place(number));
    struct tm__tag_use *use = tm__tag_use_of(number);
    struct tm_totals gone;
    enum tm__access access = tm__access_tags();
    if (access == TM__DENIED)
        return false;
    /*
     * Odd before the slot is free, and no more among those that have something; even after it was added here: readers
     * wait for neither. That it is odd first is by the swap of `life`, of the default order, which who finds the slot
     * free acquires; and by the fence in tm__reset_slot(). The second is released behind it.
     */
    atomic_fetch_add_explicit(&tag->changes, 1, memory_order_acq_rel);
    bool is_mine =
        atomic_compare_exchange_strong(&slot->identity.generation_state, &life, (life & ~UINT64_C(0xff)) | TM__FREE);
    if (is_mine) {
        unlink_slot(use, slot);
        settle(slot, &gone);
        tm__add_settled(&tag->gone, &gone); /* `changes` is around it */
        tm__store(&tag->gone_peak_bytes, tm__load(&tag->gone_peak_bytes) + gone.peak_bytes);
    }
    atomic_fetch_add_explicit(&tag->changes, 1, memory_order_release);
    if (is_mine)
        tm__free_tag_if_gone(tag, use);
    tm__end_tags(access);
    return is_mine;
}

/* ---- limits ---- */

/* Relaxed: who must see it acquired it with a watermark, see tags.h, or with the lock, as its slot came to the tag. */
bool tm__tag_is_bounded(tm_tag number)
{
    return atomic_load_explicit(&tm__tag_use_of(number)->bounded, memory_order_relaxed);
}

void tm__bound_tag(const struct tm__tag *tag, struct tm__tag_use *use)
{
    bool bounded = tm__load(&tag->limit) != 0 || use->soft.bytes != 0;
    atomic_store_explicit(&use->bounded, bounded, memory_order_relaxed); /* the watermarks publish it */
    if (!bounded)
        return;
    for (uint32_t number = use->first_slot; number != 0; number = tm__slot_at(number)->next_of_tag)
        tm__set_watermark(&tm__slot_at(number)->owner, 0);
}

uint64_t tm__limit_of(tm_tag number)
{
    return tm__load(&tm__tag_at(tm__tag_place(number))->limit);
}
