/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread's slots for tags. Entering a tag turns tm__thread.me to another slot, so the fast path never learns that
 * there are tags. Only the slot that a thread is in can grow by its allocations: so one watermark serves the thread's
 * own peak, and is carried from slot to slot.
 *
 * All here is the thread's own, but for the slots' counters. It keeps its slots until it exits. A slot whose tag has
 * ended and whose blocks are all freed is spare, and used for the next tag.
 */
#define _GNU_SOURCE
#include "state/own_slots.h"
#include "meter/bounds.h"
#include "base/kernel.h"
#include "state/pages.h"
#include "state/tag_table.h"

#include <errno.h>
#include <sys/mman.h>

struct tag_slot {
    struct tm__owner *owner;
    tm_tag tag; /* 0: spare */
};

/* Touched only where used. */
struct tag_slots {
    struct tm__bounds bounds; /* how the thread finds it */
    /* Relaxed: only a signal handler of the same thread may come in between. */
    _Atomic uint32_t count;
    uint32_t ended; /* tm__tags_ended when they were looked through last */
    uint16_t
        number_at[TM__TAG_PLACES]; /* of the tags' table: which sibling is for the tag there, from 1 on; 0 is none */
    struct tag_slot tag_slots[TM__TAG_PLACES];
};

/* Relaxed, here and below: the caller's own counters. */
static uint64_t balance_of(const struct tm__owner *owner)
{
    return tm__load(&owner->allocated_bytes) - tm__load(&owner->freed_bytes);
}

static uint64_t live_in(const struct tm__owner *owner)
{
    const struct tm__slot *slot = tm__slot_of(owner);
    uint64_t live = balance_of(owner);
    for (int i = 0; i < TM__LANES; i++)
        live -= tm__lane_bytes(&slot->lanes[i]);
    return live;
}

static uint64_t blocks_in(const struct tm__owner *owner)
{
    const struct tm__slot *slot = tm__slot_of(owner);
    uint64_t blocks = tm__load(&owner->allocated_blocks) - tm__load(&owner->freed_blocks);
    for (int i = 0; i < TM__LANES; i++)
        blocks -= tm__lane_blocks(&slot->lanes[i]);
    return blocks;
}

static struct tag_slots *own_tag_slots(void)
{
    static_assert(offsetof(struct tag_slots, bounds) == 0, "one is the other");
    return (struct tag_slots *)tm__thread.bounds;
}

static uint32_t count_tag_slots(const struct tag_slots *all)
{
    return all ? atomic_load_explicit(&all->count, memory_order_relaxed) : 0;
}

uint32_t tm__count_own_slots(void)
{
    return tm__thread.home ? 1 + count_tag_slots(own_tag_slots()) : 0;
}

struct tm__slot *tm__own_slot(uint32_t number)
{
    return tm__slot_of(number == 0 ? tm__thread.home : own_tag_slots()->tag_slots[number - 1].owner);
}

uint64_t tm__live_in_own_slots(const struct tm__owner *but)
{
    uint64_t live = 0;
    for (uint32_t i = 0; i < tm__count_own_slots(); i++) {
        const struct tm__owner *owner = &tm__own_slot(i)->owner;
        live += owner != but ? live_in(owner) : 0;
    }
    return live;
}

/* Of the default order, see tm__identity. Nobody else writes it meanwhile: the slot is ours, and no orphan. */
static void set_state(struct tm__slot *slot, uint64_t generations, enum tm__slot_state state)
{
    uint64_t life = atomic_load(&slot->identity.generation_state);
    atomic_store(&slot->identity.generation_state, (life & ~UINT64_C(0xff)) + (generations << 8) + state);
}

/* Makes spare what was for tags that have ended, as far as it is empty. */
static void look_for_ended(struct tag_slots *all)
{
    /* Acquired: who sees that a tag has ended finds it ended below. */
    uint32_t ended = atomic_load_explicit(&tm__tags_ended, memory_order_acquire);
    if (all->ended == ended)
        return;
    bool left = false;
    for (uint32_t i = 0; i < count_tag_slots(all); i++) {
        struct tag_slot *tag_slot = &all->tag_slots[i];
        if (tag_slot->tag == 0 || tm__tag_is_open(tag_slot->tag))
            continue;
        struct tm__slot *slot = tm__slot_of(tag_slot->owner);
        if (tag_slot->owner == tm__thread.me || blocks_in(tag_slot->owner) != 0 ||
            !tm__tag_remove_slot(tag_slot->tag, slot, atomic_load(&slot->identity.generation_state), tm__reset_slot)) {
            left = true;
            continue;
        }
        all->number_at[tm__tag_place(tag_slot->tag)] = 0;
        tag_slot->tag = 0;
    }
    if (!left)
        all->ended = ended;
}

/* One with a slot that is for no tag; NULL if there is none to be had. */
static struct tag_slot *find_spare(struct tag_slots *all)
{
    uint32_t count = count_tag_slots(all); /* not above the number of places, each of which has one at most */
    for (uint32_t i = 0; i < count; i++)
        if (all->tag_slots[i].tag == 0)
            return &all->tag_slots[i];
    uint32_t outer = tm__thread.in_hand, number = tm__open_slot(tm__thread.id);
    if (number == TM__NO_SLOT) {
        tm__thread.in_hand = outer;
        return NULL;
    }
    all->tag_slots[count] = (struct tag_slot){.owner = &tm__slot_at(number)->owner};
    atomic_signal_fence(memory_order_release); /* a handler that finds one more finds what it is */
    atomic_store_explicit(&all->count, count + 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_release); /* till then it is in our hand */
    tm__thread.in_hand = outer;
    return &all->tag_slots[count];
}

/* A signal handler may have made them since. Relaxed: they are the thread's own. */
struct tm__bounds *tm__open_bounds(void)
{
    if (tm__thread.bounds)
        return tm__thread.bounds;
    struct tm__bounds *none = NULL;
    struct tag_slots *all =
        tm__sys_mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    if (tm__sys_failed(all))
        return NULL;
    tm__avoid_huge_pages(all, sizeof *all);
    all->ended = atomic_load(&tm__tags_ended); /* of whatever order: none of its tags has ended yet, for it has none */
    if (!__atomic_compare_exchange_n(&tm__thread.bounds, &none, &all->bounds, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        tm__sys_munmap(all, sizeof *all);
    return tm__thread.bounds;
}

/* The slot for this tag; false if the tag is not open. There may be none to be had. */
static bool slot_for(tm_tag tag, struct tm__owner **owner)
{
    struct tag_slots *all = own_tag_slots();
    *owner = tm__thread.home;
    if (tag == 0 || !*owner)
        return tag == 0 || tm__tag_is_open(tag);
    uint32_t number = all ? all->number_at[tm__tag_place(tag)] : 0;
    if (number != 0 && all->tag_slots[number - 1].tag == tag) {
        *owner = all->tag_slots[number - 1].owner;
        return tm__tag_is_open(tag);
    }
    if (!tm__tag_is_open(tag))
        return false;
    struct tag_slot *spare = tm__open_bounds() ? find_spare(own_tag_slots()) : NULL;
    *owner = NULL;
    if (!spare)
        return true;
    if (!tm__tag_add_slot(tag, tm__slot_of(spare->owner)))
        return false;
    set_state(tm__slot_of(spare->owner), 1, TM__OWNED);
    spare->tag = tag;
    all = own_tag_slots();
    all->number_at[tm__tag_place(tag)] = (uint16_t)(spare - all->tag_slots + 1);
    *owner = spare->owner;
    return true;
}

/* To what there is to see in the slot itself, or of all the thread has, whichever comes first. */
static void lower_watermark(struct tm__owner *owner, tm_tag tag)
{
    uint64_t own = tm__slot_of(owner)->identity.watermark;
    uint64_t of_all = tm__thread.bounds->watermark;
    tm__swap_watermark(owner, own < of_all ? own : of_all);
    if (tag != 0 && tm__tag_is_bounded(tag))
        tm__swap_watermark(owner, 0);
}

/*
 * What the thread may still grow by before there is something to see stays the same. NULL: no slot for it; then it may have
 * no bounds either, and comes back from there to its home as it left that.
 */
static void turn_to(struct tm__owner *to, tm_tag tag)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    bool shared = tm__thread.me == &tm__overflow_owner;
    if (bounds && !tm__thread.bounded) /* from home into a tag */
        tm__recheck_limits();
    if (bounds && !shared) {
        uint64_t balance = balance_of(tm__thread.me);
        bounds->room = bounds->watermark > balance ? bounds->watermark - balance : 0;
    }
    tm__thread.tag = tag;
    if (to)
        tm__thread.me = to;
    else
        tm__turn_to_shared(&tm__overflow_owner);
    if (shared || !to)
        tm__choose_writer();
    if (!to || !bounds)
        return;
    bounds->watermark = bounds->excess ? 0 : balance_of(to) + bounds->room;
    lower_watermark(to, tag);
}

void tm__credit_own_slot(struct tm__slot *slot, size_t size)
{
    struct tm__bounds *bounds = tm__thread.bounds;
    tm__credit_own(&slot->owner, size);
    if (!tm__thread.bounded || &slot->owner == tm__thread.me || bounds->excess == TM__UNKNOWN)
        return;
    /* So much more may be live where the thread is, or so much less is above a bound. */
    bool above = bounds->excess > 0;
    uint64_t below = size > bounds->excess ? size - bounds->excess : 0;
    bounds->excess -= size - below;
    if (bounds->excess > 0)
        return;
    if (tm__thread.me == &tm__overflow_owner) {
        bounds->room = above ? below : bounds->room + below;
        return;
    }
    bounds->watermark = (above ? balance_of(tm__thread.me) : bounds->watermark) + below;
    lower_watermark(tm__thread.me, tm__thread.tag);
}

tm_tag tm_tag_enter(tm_tag tag)
{
    tm_tag previous = tm__thread.tag;
    if (tag == previous)
        return previous;
    int saved = errno;
    if (tm__thread.me == &tm__unattached)
        tm__attach();
    if (tm__thread.bounds)
        look_for_ended(own_tag_slots());
    struct tm__owner *owner;
    bool open = slot_for(tag, &owner);
    if (open && tm__thread.home)
        turn_to(owner, tag);
    else if (open)
        tm__thread.tag = tag;
    errno = saved;
    return open ? previous : -EINVAL;
}

/*
 * What redirect_tag.h calls: `unit` is a unit's, 0 at first. Two threads that open the tag at once get the same. One that
 * somebody closed, who had not opened it, is opened anew.
 */
tm_tag tm__enter_unit(_Atomic tm_tag *unit, const char *name)
{
    tm_tag tag = atomic_load_explicit(unit, memory_order_relaxed); /* a number, which tags.c looks up */
    tm_tag previous = tag != 0 ? tm_tag_enter(tag) : -EINVAL;
    if (previous >= 0)
        return previous;
    tag = tm_tag_open(name);
    atomic_store_explicit(unit, tag, memory_order_relaxed);
    return tm_tag_enter(tag);
}

void tm_tag_leave(tm_tag previous)
{
    if (previous >= 0 && tm_tag_enter(previous) < 0)
        tm_tag_enter(0);
}

tm_tag tm_tag_current(void)
{
    return tm__thread.tag;
}

void tm__leave_tag_slots(void)
{
    struct tag_slots *all = own_tag_slots();
    if (!all)
        return;
    for (uint32_t left = count_tag_slots(all); left > 0; left--) {
        struct tm__slot *slot = tm__slot_of(all->tag_slots[left - 1].owner);
        uint32_t number = tm__slot_in(slot->owner.account), outer = tm__thread.in_hand;
        bool is_spare = all->tag_slots[left - 1].tag == 0;
        tm__keep_thread_peak(slot);
        /* In our hand, and no more among ours, before it may be another's: a signal handler may fork. */
        tm__thread.in_hand = number;
        atomic_signal_fence(memory_order_seq_cst);
        atomic_store_explicit(&all->count, left - 1, memory_order_relaxed);
        if (is_spare)
            tm__give_slot(number);
        else
            tm__leave_slot(number);
        atomic_signal_fence(memory_order_seq_cst);
        tm__thread.in_hand = outer;
    }
    tm__thread.bounded = false;
    atomic_signal_fence(memory_order_seq_cst); /* not behind that: a signal handler may free */
    tm__thread.bounds = NULL;
    tm__sys_munmap(all, sizeof *all);
}
