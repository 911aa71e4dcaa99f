/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/tag_table.h"
#include "meter/bounds.h"
#include "base/kernel.h"
#include "base/lock.h"
#include "base/options.h"
#include "state/pages.h"
#include "state/slot.h"
#include "state/tags_lock.h"
#include "threadmeter/limits.h"

#include <errno.h>
#include <string.h>

enum { NAME_WORDS = TM__TAG_NAME / sizeof(uint64_t) };
static_assert(TM__TAG_NAME == TM_TAG_NAME_MAX + 1, "a name and its end");

/* What concerns nobody but this process. By place, under the lock but for `bounded`. */
static struct use {
    uint32_t openings;
    uint32_t first_slot;  /* of the list of those that are charged to it; 0: none */
    _Atomic bool bounded; /* there is a limit of either kind */
    struct tm__soft soft;
} uses[TM__TAG_PLACES];

_Atomic uint32_t tm__tags_ended;

/* Of whatever order: it is the caller's alone, and published with the books. */
void tm__init_tags(struct tm__region *region)
{
    struct tm__tag *other = &region->tags[TM_TAG_OTHER];
    strcpy(other->name.text, "other");
    uint64_t limit = tm__limit_from_environment(other->name.text);
    /* Not of these books alone: one who comes late, and whose are not taken, must take away no limit that was set. */
    if (limit != 0)
        atomic_store(&uses[TM_TAG_OTHER].bounded, true);
    tm__store(&other->limit, limit);
    atomic_store(&other->number, TM_TAG_OTHER);
    atomic_store(&other->state, TM__TAG_OPEN);
    atomic_store(&region->head.tags_used, TM_TAG_OTHER + 1);
}

static struct tm__tag *tag_at(uint32_t place)
{
    return &tm__region_now()->tags[place];
}

static enum tm__tag_state state_of(const struct tm__tag *tag)
{
    return (enum tm__tag_state)atomic_load_explicit(&tag->state, memory_order_acquire);
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
    if (number == TM_TAG_OTHER) /* which is there from the start; others were opened */
        tm__open_region();
    const struct tm__tag *tag = tag_at(tm__tag_place(number));
    enum tm__tag_state state = state_of(tag);
    return atomic_load_explicit(&tag->number, memory_order_acquire) == number ? state : TM__TAG_UNUSED;
}

/* Whether open or ended; NULL if it is neither. */
static struct tm__tag *find(tm_tag number)
{
    return state_under(number) != TM__TAG_UNUSED ? tag_at(tm__tag_place(number)) : NULL;
}

static struct use *use_of(tm_tag number)
{
    return &uses[tm__tag_place(number)];
}

bool tm__tag_is_open(tm_tag number)
{
    return state_under(number) == TM__TAG_OPEN;
}

static bool is_name(const char *name)
{
    if (!name || !*name)
        return false;
    for (size_t i = 0; name[i]; i++)
        if (i == TM_TAG_NAME_MAX || (unsigned char)name[i] < 32)
            return false;
    return true;
}

/*
 * The place of the open tag of this name, or else one for it; TM_TAG_OTHER's if there is none. Under the lock, as all
 * that is loaded relaxed from here to the limits: it was stored under it, too.
 */
static uint32_t place_for(const char *name)
{
    uint32_t used = atomic_load_explicit(&tm__region_now()->head.tags_used, memory_order_relaxed), unused = 0;
    for (uint32_t place = TM_TAG_OTHER; place < used; place++) {
        enum tm__tag_state state = state_of(tag_at(place));
        if (state == TM__TAG_OPEN && strcmp(tag_at(place)->name.text, name) == 0)
            return place;
        if (state == TM__TAG_UNUSED && unused == 0)
            unused = place;
    }
    if (unused != 0)
        return unused;
    bool room = used < TM__TAG_PLACES && tm__make_writable(tag_at(used), sizeof(struct tm__tag));
    return room ? used : TM_TAG_OTHER;
}

static void start(uint32_t place, const char *name)
{
    struct tm__head *head = &tm__region_now()->head;
    struct tm__tag *tag = tag_at(place);
    uint32_t last = (uint32_t)atomic_load_explicit(&tag->number, memory_order_relaxed);
    uint32_t next = last == 0 ? place : (last + TM__TAG_PLACES) & INT32_MAX;
    /* Each released, as it may be read already: see state_under(). */
    tm__store_release(&tag->gone.allocated_bytes, 0);
    tm__store_release(&tag->gone.allocated_blocks, 0);
    tm__store_release(&tag->gone.remote_bytes, 0);
    tm__store_release(&tag->gone.remote_blocks, 0);
    tm__store_release(&tag->gone.remote_made_bytes, 0);
    tm__store_release(&tag->gone.peak_bytes, 0);
    uint64_t words[NAME_WORDS] = {0};
    memcpy(words, name, strlen(name));
    for (int i = 0; i < NAME_WORDS; i++)
        tm__store_release(&tag->name.words[i], words[i]);
    uint64_t limit = tm__limit_from_environment(name);
    uses[place] = (struct use){.bounded = limit != 0}; /* nobody is in it, or would ask */
    tm__store(&tag->limit, limit);                     /* read under the lock, or from outside, by itself */
    atomic_store_explicit(&tag->number, (tm_tag)next, memory_order_release);
    atomic_store_explicit(&tag->state, TM__TAG_OPEN, memory_order_release);
    if (place == atomic_load_explicit(&head->tags_used, memory_order_relaxed))
        atomic_store_explicit(&head->tags_used, place + 1, memory_order_release);
}

tm_tag tm_tag_open(const char *name)
{
    if (!is_name(name))
        return -EINVAL;
    tm__open_region();
    enum tm__access access = tm__access_tags();
    if (access == TM__DENIED)
        return -EDEADLK;
    uint32_t place = place_for(name);
    if (state_of(tag_at(place)) == TM__TAG_UNUSED)
        start(place, name);
    if (place != TM_TAG_OTHER)
        uses[place].openings++;
    tm_tag number = atomic_load_explicit(&tag_at(place)->number, memory_order_relaxed);
    tm__end_tags(access);
    return number;
}

/* Released, as each change of a state: who sees it sees what the tag was until then, see state_under(). */
static void free_if_gone(struct tm__tag *tag, const struct use *use)
{
    if (use->first_slot == 0 && state_of(tag) == TM__TAG_ENDED)
        atomic_store_explicit(&tag->state, TM__TAG_UNUSED, memory_order_release);
}

int tm_tag_close(tm_tag number)
{
    if (number == TM_TAG_OTHER)
        return 0;
    enum tm__access access = tm__access_tags();
    if (access == TM__DENIED)
        return -EDEADLK;
    struct tm__tag *tag = find(number);
    struct use *use = use_of(number);
    bool open = tag && state_of(tag) == TM__TAG_OPEN;
    if (open && --use->openings == 0) {
        atomic_store_explicit(&tag->state, TM__TAG_ENDED, memory_order_release);
        atomic_fetch_add_explicit(&tm__tags_ended, 1, memory_order_release);
        free_if_gone(tag, use);
    }
    tm__end_tags(access);
    return open ? 0 : -EINVAL;
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
    const struct tm__tag *tag = find(number);
    struct use *use = use_of(number);
    bool open = access != TM__DENIED && tag && state_of(tag) == TM__TAG_OPEN;
    if (open) {
        atomic_store_explicit(&slot->identity.tag, (uint32_t)number, memory_order_relaxed); /* see tm__identity */
        slot->next_of_tag = use->first_slot;
        atomic_signal_fence(memory_order_release); /* the list is whole at any moment, for who is not denied it */
        use->first_slot = tm__slot_in(slot->owner.account);
    }
    tm__end_tags(access);
    return open;
}

static void unlink_slot(struct use *use, const struct tm__slot *slot)
{
    uint32_t *link = &use->first_slot, number = tm__slot_in(slot->owner.account);
    while (*link != number)
        link = &tm__slot_at(*link)->next_of_tag;
    *link = slot->next_of_tag;
}

/* Relaxed: `changes` is around it. */
static void add(_Atomic uint64_t *counter, uint64_t n)
{
    tm__store(counter, tm__load(counter) + n);
}

bool tm__tag_remove_slot(tm_tag number, struct tm__slot *slot, uint64_t life,
                         void (*settle)(struct tm__slot *, struct tm_totals *))
{
    struct tm__tag *tag = tag_at(tm__tag_place(number));
    struct use *use = use_of(number);
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
        add(&tag->gone.allocated_bytes, gone.allocated_bytes);
        add(&tag->gone.allocated_blocks, gone.allocated_blocks);
        add(&tag->gone.remote_bytes, gone.remote_frees_received_bytes);
        add(&tag->gone.remote_blocks, gone.remote_frees_received_blocks);
        add(&tag->gone.remote_made_bytes, gone.remote_frees_made_bytes);
        add(&tag->gone.peak_bytes, gone.peak_bytes);
    }
    atomic_fetch_add_explicit(&tag->changes, 1, memory_order_release);
    if (is_mine)
        free_if_gone(tag, use);
    tm__end_tags(access);
    return is_mine;
}

/* ---- limits ---- */

/* Relaxed: who must see it acquired it with a watermark, see tags.h, or with the lock, as its slot came to the tag. */
bool tm__tag_is_bounded(tm_tag number)
{
    return atomic_load_explicit(&use_of(number)->bounded, memory_order_relaxed);
}

/* Under the lock. Who is in the tag looks at it with the next allocation. */
static void bound(const struct tm__tag *tag, struct use *use)
{
    bool bounded = tm__load(&tag->limit) != 0 || use->soft.bytes != 0;
    atomic_store_explicit(&use->bounded, bounded, memory_order_relaxed); /* the watermarks publish it */
    if (!bounded)
        return;
    for (uint32_t number = use->first_slot; number != 0; number = tm__slot_at(number)->next_of_tag)
        tm__set_watermark(&tm__slot_at(number)->owner, 0);
}

/* 0, or the error: then there is nothing to end. */
static int begin_open(tm_tag number, enum tm__access *access, struct tm__tag **tag)
{
    *access = tm__access_tags();
    if (*access == TM__DENIED)
        return -EDEADLK;
    *tag = find(number);
    if (*tag && state_of(*tag) == TM__TAG_OPEN)
        return 0;
    tm__end_tags(*access);
    return -EINVAL;
}

int tm_tag_limit(tm_tag number, uint64_t bytes)
{
    enum tm__access access;
    struct tm__tag *tag;
    int error = begin_open(number, &access, &tag);
    if (error)
        return error;
    tm__store(&tag->limit, bytes);
    bound(tag, use_of(number));
    tm__end_tags(access);
    return 0;
}

uint64_t tm__limit_of(tm_tag number)
{
    return tm__load(&tag_at(tm__tag_place(number))->limit);
}

int tm_tag_soft_limit(tm_tag number, uint64_t bytes, tm_limit_callback *callback, void *arg)
{
    enum tm__access access;
    struct tm__tag *tag;
    int error = begin_open(number, &access, &tag);
    if (error)
        return error;
    struct use *use = use_of(number);
    use->soft = (struct tm__soft){.bytes = callback ? bytes : 0, .call = callback, .arg = arg};
    bound(tag, use);
    tm__end_tags(access);
    return 0;
}

/* Frees first, acquired: then what lives is never found to be less than it is. */
static uint64_t live_bytes(const struct use *use)
{
    uint64_t live = 0;
    for (uint32_t number = use->first_slot; number != 0; number = tm__slot_at(number)->next_of_tag) {
        const struct tm__slot *slot = tm__slot_at(number);
        uint64_t freed = atomic_load_explicit(&slot->owner.freed_bytes, memory_order_acquire);
        for (int i = 0; i < TM__LANES; i++)
            freed += tm__lane_bytes(&slot->lanes[i]);
        live += tm__load(&slot->owner.allocated_bytes) - freed;
    }
    return live;
}

bool tm__tag_admits(tm_tag number, size_t size, const struct tm__block *instead, bool refusable, bool *bounded,
                    enum tm__credited *credited)
{
    struct use *use = use_of(number);
    *bounded = tm__tag_is_bounded(number);
    if (!*bounded)
        return true;
    /* Of whatever order: the tag was there before the block, which the caller has. */
    bool exchanged = instead && atomic_load(&tm__slot_at(instead->slot)->identity.tag) == (uint32_t)number;
    uint64_t gone = exchanged ? instead->size : 0;
    /* Denied, the lock is ours all the same, and what is read here is whole at any moment. */
    enum tm__access access = tm__access_tags();
    uint64_t limit = tm__load(&tag_at(tm__tag_place(number))->limit), live = live_bytes(use) + size - gone;
    bool refused = refusable && limit != 0 && live > limit && size > gone;
    if (!refused) {
        tm__store_release(&tm__thread.me->allocated_bytes, tm__load(&tm__thread.me->allocated_bytes) + size);
        if (exchanged)
            *credited = tm__credit_counters(instead->slot, instead->size);
        if (access != TM__DENIED && tm__soft_limit_crossed(&use->soft, live - size + gone, live)) {
            tm__thread.bounds->calls |= TM__CALL_TAG;
            tm__thread.bounds->tag_soft = use->soft;
        }
    }
    tm__end_tags(access);
    return !refused;
}

/* ---- reading ---- */

int tm_tag_name(tm_tag number, char name[TM_TAG_NAME_MAX + 1])
{
    const struct tm__tag *tag = find(number);
    name[0] = '\0';
    if (!tag)
        return -EINVAL;
    uint64_t words[NAME_WORDS];
    for (int i = 0; i < NAME_WORDS; i++)
        words[i] = atomic_load_explicit(&tag->name.words[i], memory_order_acquire); /* found again behind it */
    memcpy(name, words, sizeof words);
    return find(number) ? 0 : -EINVAL;
}

/* Relaxed: between two loads of `changes`. What start() sets to 0 for the next tag is seen with that, too. */
static void read_gone(const struct tm__tag *tag, struct tm_totals *sum)
{
    sum->allocated_bytes = sum->freed_bytes = tm__load(&tag->gone.allocated_bytes);
    sum->allocated_blocks = sum->freed_blocks = tm__load(&tag->gone.allocated_blocks);
    sum->remote_frees_received_bytes = tm__load(&tag->gone.remote_bytes);
    sum->remote_frees_received_blocks = tm__load(&tag->gone.remote_blocks);
    sum->remote_frees_made_bytes = tm__load(&tag->gone.remote_made_bytes);
    sum->peak_bytes = tm__load(&tag->gone.peak_bytes);
}

/* For who was stopped in the midst of a change; for oneself, below a signal handler, one would wait in vain. */
static void wait_a_moment(void)
{
    tm__sys_nanosleep(50000);
}

int tm_tag_totals(tm_tag number, struct tm_totals *totals)
{
    enum { AT_ONCE = 16, CHANCES = AT_ONCE + 200 };
    const struct tm__tag *tag = find(number);
    *totals = (struct tm_totals){0};
    if (!tag)
        return -EINVAL;
    /* A slot that is lost meanwhile is to be counted once, here or there. */
    for (int i = 0; i < CHANCES; i++) {
        /* Acquired: what was added up before is there. */
        uint64_t changes = atomic_load_explicit(&tag->changes, memory_order_acquire);
        read_gone(tag, totals);
        tm__add_slots_of(number, totals);
        atomic_thread_fence(memory_order_acquire); /* counterpart of tm__reset_slot()'s */
        if (changes % 2 == 0 && tm__load(&tag->changes) == changes)
            break;
        if (i >= AT_ONCE && tm__thread.changes_tags)
            break;
        if (i >= AT_ONCE)
            wait_a_moment();
    }
    return find(number) ? 0 : -EINVAL;
}

int tm_each_tag(int (*visit)(tm_tag tag, const char *name, const struct tm_totals *totals, void *arg), void *arg)
{
    tm__open_region();
    uint32_t used = atomic_load_explicit(&tm__region_now()->head.tags_used, memory_order_acquire);
    for (uint32_t place = TM_TAG_OTHER; place < used; place++) {
        tm_tag number = atomic_load_explicit(&tag_at(place)->number, memory_order_acquire);
        char name[TM_TAG_NAME_MAX + 1];
        struct tm_totals totals;
        if (tm_tag_name(number, name) != 0 || tm_tag_totals(number, &totals) != 0)
            continue;
        int result = visit(number, name, &totals, arg);
        if (result != 0)
            return result;
    }
    return 0;
}
