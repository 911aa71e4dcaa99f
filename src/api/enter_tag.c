/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * To enter a tag is to point tm__thread.me to another slot, so the fast path does not know that there are tags. The
 * thread's allocations are charged only to the slot that it is in. So one watermark is enough for the peak of all its
 * slots, and goes with the thread from slot to slot. A tag slot whose tag has ended, and whose blocks are all freed, is
 * spare: the thread uses it for the next tag.
 */
#define _GNU_SOURCE
#include "api/enter_tag.h"
#include "meter/attach.h"
#include "meter/bounds.h"
#include "meter/credit.h"
#include "state/identity.h"
#include "state/open.h"
#include "state/own_slots.h"
#include "state/slots.h"
#include "state/tag_table.h"

#include <errno.h>

static uint64_t blocks_in(const struct tm__owner *owner)
{
    const struct tm__slot *slot = tm__slot_of(owner);
    uint64_t blocks = tm__load(&owner->allocated_blocks) - tm__load(&owner->freed_blocks);
    return blocks - tm__remote_freed_blocks(slot);
}

/*
 * Sequentially consistent, see tm__identity. No other thread writes it meanwhile: the slot is the calling thread's, and
 * no orphan.
 */
static void set_state(struct tm__slot *slot, uint64_t generations, enum tm__slot_state state)
{
    uint64_t generation_state = atomic_load(&slot->identity.generation_state);
    atomic_store(&slot->identity.generation_state, (generation_state & ~UINT64_C(0xff)) + (generations << 8) + state);
}

/*
 * Spare slots are in a list, so finding one takes as long for a thread with many tags as for one with few. If a signal
 * handler changes the list in between, the swap fails.
 */
static void give_spare(struct tm__tag_slots *all, struct tm__tag_slot *spare)
{
    uint32_t head = atomic_load_explicit(&all->spares, memory_order_relaxed), new_head;
    atomic_store(&tm__slot_of(spare->owner)->identity.spare, TM__SPARE); /* for whoever finds the thread dead */
    do {
        spare->next_spare = head & UINT16_MAX;
        new_head = ((head >> 16) + 1) << 16 | (uint32_t)(spare - all->tag_slots);
    } while (!atomic_compare_exchange_weak_explicit(&all->spares, &head, new_head, memory_order_relaxed,
                                                    memory_order_relaxed));
}

/* NULL if there is none. */
static struct tm__tag_slot *take_spare(struct tm__tag_slots *all)
{
    uint32_t head = atomic_load_explicit(&all->spares, memory_order_relaxed), new_head;
    struct tm__tag_slot *spare;
    do {
        spare = &all->tag_slots[head & UINT16_MAX];
        if (spare == all->tag_slots)
            return NULL;
        new_head = ((head >> 16) + 1) << 16 | spare->next_spare;
    } while (!atomic_compare_exchange_weak_explicit(&all->spares, &head, new_head, memory_order_relaxed,
                                                    memory_order_relaxed));
    atomic_store(&tm__slot_of(spare->owner)->identity.spare, 0);
    return spare;
}

/* Makes the slots of tags that have ended spare, if they are empty. */
static void collect_spare_slots(struct tm__tag_slots *all)
{
    /* Acquired: a tag that is counted here is found ended below. */
    uint32_t ended = atomic_load_explicit(&tm__tags_ended, memory_order_acquire);
    if (all->ended == ended)
        return;
    bool some_in_use = false;
    for (uint32_t i = 1; i <= tm__count_tag_slots(all); i++) {
        struct tm__tag_slot *tag_slot = &all->tag_slots[i];
        if (tag_slot->tag == 0 || tm__tag_is_open(tag_slot->tag))
            continue;
        struct tm__slot *slot = tm__slot_of(tag_slot->owner);
        if (tag_slot->owner == tm__thread.me || blocks_in(tag_slot->owner) != 0 ||
            !tm__tag_remove_slot(tag_slot->tag, slot, atomic_load(&slot->identity.generation_state), tm__reset_slot)) {
            some_in_use = true;
            continue;
        }
        tm__begin_lanes(slot);
        all->number_at[tm__tag_place(tag_slot->tag)] = 0;
        tag_slot->tag = 0;
        tag_slot->watermark = 0;
        give_spare(all, tag_slot);
    }
    if (!some_in_use)
        all->ended = ended;
}

/* A spare slot of the thread, or a new one; NULL if there is no slot. */
static struct tm__tag_slot *find_spare(struct tm__tag_slots *all)
{
    struct tm__tag_slot *spare = take_spare(all);
    if (spare)
        return spare;
    uint32_t outer = tm__thread.slot_in_transit, number = tm__open_slot(tm__thread.id);
    if (number == TM__NO_SLOT) {
        tm__thread.slot_in_transit = outer;
        return NULL;
    }
    uint32_t count = tm__count_tag_slots(all); /* less than places in the table of tags: each has one at most */
    struct tm__tag_slot *added = &all->tag_slots[count + 1];
    *added = (struct tm__tag_slot){.owner = &tm__slot_at(number)->owner};
    atomic_signal_fence(memory_order_release); /* a signal handler that sees the new count also sees the new entry */
    atomic_store_explicit(&all->count, count + 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_release); /* until then a fork's child knows it by slot_in_transit */
    tm__thread.slot_in_transit = outer;
    return added;
}

/* TM_TAG_OTHER is open from the start, even if nothing was allocated yet. */
static bool is_open(tm_tag tag)
{
    if (tag == TM_TAG_OTHER)
        tm__open_region();
    return tm__tag_is_open(tag);
}

/* The thread's slot for this tag; NULL if it has none. For no tag, that is the home slot. */
static inline struct tm__tag_slot *slot_for(struct tm__tag_slots *all, tm_tag tag)
{
    size_t offset = all->number_at[tm__tag_place(tag)] * sizeof(struct tm__tag_slot);
    __asm__("" : "+r"(offset)); /* computed once, and not for each member anew */
    struct tm__tag_slot *slot = (struct tm__tag_slot *)((char *)all->tag_slots + offset);
    return slot->tag == tag ? slot : NULL;
}

/* Gives the thread, which has a home slot, one for this tag. *added is NULL if there is none. False if it is not open. */
static bool add_slot_for(tm_tag tag, struct tm__tag_slot **added)
{
    *added = NULL;
    if (!is_open(tag))
        return false;
    struct tm__tag_slot *spare = tm__open_bounds() ? find_spare(tm__own_tag_slots()) : NULL;
    if (!spare)
        return true;
    if (!tm__tag_add_slot(tag, tm__slot_of(spare->owner))) {
        give_spare(tm__own_tag_slots(), spare);
        return false;
    }
    set_state(tm__slot_of(spare->owner), 1, TM__OWNED);
    spare->tag = tag;
    struct tm__tag_slots *all = tm__own_tag_slots();
    all->number_at[tm__tag_place(tag)] = (uint16_t)(spare - all->tag_slots);
    *added = spare;
    return true;
}

/*
 * The thread has turned, and the watermark of the slot that it is in now is too high; or a signal handler turned
 * meanwhile, and then the next allocation counts anew what is elsewhere.
 */
static __attribute__((noinline, cold)) tm_tag turned(struct tm__bounds *bounds, unsigned change, tm_tag previous)
{
    if (bounds->changes != change) {
        bounds->known = false;
        tm__recheck_limits();
    } else {
        tm__exchange_watermark(bounds->tag_slot, tm__lower_watermark(bounds->tag_slot, tm__bounds_watermark(bounds)));
    }
    return previous;
}

/*
 * The thread turns to `to` from another slot, or from none: then it has the balance of the constant, 0. What it leaves is
 * read last, since a signal handler may allocate there until then. bounds->tag_slot comes after bounds->elsewhere: in
 * between a handler finds that it is in no present slot, and counts anew.
 *
 * The watermark of `to` is what it was when the thread left it. If it is lower than it might be, and so also if it is 0
 * since the tag has a limit, no bound is missed: the first allocation above it sets it. Returns `previous`.
 */
static inline __attribute__((always_inline)) tm_tag turn(struct tm__bounds *bounds, struct tm__owner *from,
                                                         struct tm__tag_slot *to, tm_tag tag, tm_tag previous)
{
    struct tm__owner *owner = to->owner;
    unsigned change = ++bounds->changes;
    atomic_signal_fence(memory_order_seq_cst);
    uint64_t entered = tm__balance_of(owner);
    __asm__("" : "+r"(entered)); /* one value in a register, where its two parts would need a saved one */
    atomic_signal_fence(memory_order_seq_cst);
    tm__thread.tag = tag;
    tm__thread.me = owner;
    atomic_signal_fence(memory_order_seq_cst);
    bounds->elsewhere += tm__balance_of(from) - entered;
    atomic_signal_fence(memory_order_seq_cst);
    bounds->tag_slot = to;
    bool too_high = (int64_t)tm__watermark(owner) > tm__until_bound(bounds) && tm__watermark(owner) != 0;
    if (__builtin_expect(too_high || bounds->changes != change, 0))
        return turned(bounds, change, previous);
    return previous;
}

/*
 * The same for a thread that is not bounded, or is in no slot, or will be in none since there is none for the tag: `to`
 * is NULL. Then it may have no tm__thread.bounds either, and shares the overflow slot; later it returns to its home
 * slot, which is as it was.
 */
static void turn_slowly(struct tm__tag_slot *to, tm_tag tag)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    bool shared = tm__thread.me == &tm__overflow_owner;
    if (bounds && !tm__thread.bounded) /* from home into a tag */
        tm__recheck_limits();
    if (bounds && !shared && !tm__present_slot()) /* in a signal handler, while the thread turns */
        bounds->known = false;
    const struct tm__owner *from = tm__thread.me;
    if (to) {
        turn(bounds, tm__thread.me, to, tag, tm__thread.tag);
    } else {
        struct tm__change change = bounds ? tm__begin_change() : (struct tm__change){0};
        tm__thread.tag = tag;
        if (tag == 0)
            tm__thread.me = tm__thread.home;
        else
            tm__turn_to_shared(&tm__overflow_owner);
        if (bounds)
            tm__end_change(change, bounds->elsewhere + tm__balance_of(from));
    }
    if (shared || !to)
        tm__choose_writer();
}

static __attribute__((noinline)) tm_tag enter_slowly(tm_tag tag)
{
    tm_tag previous = tm__thread.tag;
    if (tag == previous) /* tm_tag_leave() did not ask */
        return previous;
    int saved = errno;
    if (tm__thread.me == &tm__unattached)
        tm__attach();
    if (tm__thread.bounds)
        collect_spare_slots(tm__own_tag_slots());
    struct tm__tag_slot *to = tm__thread.bounds ? slot_for(tm__own_tag_slots(), tag) : NULL;
    bool open = tag == 0 || (to || !tm__thread.home ? is_open(tag) : add_slot_for(tag, &to));
    if (open && tm__thread.home)
        turn_slowly(to, tag);
    else if (open)
        tm__thread.tag = tag;
    errno = saved;
    return open ? previous : -EINVAL;
}

/*
 * First what is nearly always the case: the thread turns from one of its slots to another. Its tags are open, since none
 * has ended since it last looked; acquired: a tag that ended before is counted.
 */
static inline __attribute__((always_inline)) tm_tag enter(tm_tag tag, tm_tag previous, tm_tag (*slowly)(tm_tag))
{
    struct tm__tag_slots *all = tm__own_tag_slots();
    struct tm__owner *me = tm__thread.me;
    if (!tm__thread.bounded || !tm__present_slot())
        return slowly(tag);
    struct tm__tag_slot *to = slot_for(all, tag);
    uint32_t ended = atomic_load_explicit(&tm__tags_ended, memory_order_acquire);
    if (!to || all->ended != ended)
        return slowly(tag);
    return turn(&all->bounds, me, to, tag, previous);
}

tm_tag tm_tag_enter(tm_tag tag)
{
    tm_tag previous = tm__thread.tag;
    return tag != previous ? enter(tag, previous, enter_slowly) : previous;
}

/*
 * What redirect_tag.h calls. `unit` belongs to one translation unit, and is 0 at first. Two threads that open the tag
 * at once get the same number. If other code closed the tag without having opened it, the tag is opened again.
 */
tm_tag tm__enter_unit(_Atomic tm_tag *unit, const char *name)
{
    tm_tag tag = atomic_load_explicit(unit, memory_order_relaxed); /* relaxed: only a number, which is looked up */
    tm_tag previous = tag != 0 ? tm_tag_enter(tag) : -EINVAL;
    if (previous >= 0)
        return previous;
    tag = tm_tag_open(name);
    atomic_store_explicit(unit, tag, memory_order_relaxed);
    return tm_tag_enter(tag);
}

static __attribute__((noinline)) tm_tag leave_slowly(tm_tag previous)
{
    return enter_slowly(previous) < 0 ? tm_tag_enter(0) : 0;
}

void tm_tag_leave(tm_tag previous)
{
    if (previous >= 0)
        enter(previous, 0, leave_slowly);
}

tm_tag tm_tag_current(void)
{
    return tm__thread.tag;
}
