/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Charging and crediting where the fast path cannot: a new peak, a thread without a slot, a slot with many writers, a
 * block of another thread. Of a header it knows only the account word.
 *
 * Counters that have many writers are added to with release, as tm__add_own() does where there is one: slot.h says why.
 */
#include "block/block.h"
#include "meter/bounds.h"
#include "meter/early.h"
#include "state/flow.h"
#include "meter/peak.h"
#include "state/slot.h"

#include <assert.h>
#include <errno.h>

const struct tm__owner tm__unattached = {.free_key = TM__NO_KEY}, tm__late_owner = {.free_key = TM__NO_KEY},
                       tm__overflow_owner = {.free_key = TM__NO_KEY}, tm__early_owner = {.free_key = TM__NO_KEY};

/* Relaxed: the allocation publishes it. */
static void raise_peak(_Atomic uint64_t *peak, uint64_t live)
{
    uint64_t old = tm__load(peak);
    while (live > old &&
           !atomic_compare_exchange_weak_explicit(peak, &old, live, memory_order_relaxed, memory_order_relaxed))
        ;
}

void tm__charge_sum_shared(uint32_t number, uint64_t bytes, uint64_t blocks)
{
    struct tm__slot *slot = tm__slot_at(number);
    struct tm__owner *owner = &slot->owner;
    /* Acquires the frees that are off live_bytes already, and publishes them with the allocation. */
    uint64_t live = atomic_fetch_add_explicit(&slot->identity.live_bytes, bytes, memory_order_acquire) + bytes;
    raise_peak(&slot->identity.peak_bytes, live);
    atomic_fetch_add_explicit(&owner->allocated_bytes, bytes, memory_order_release);
    atomic_fetch_add_explicit(&owner->allocated_blocks, blocks, memory_order_release);
}

void tm__credit_sum_shared(uint32_t number, uint64_t bytes, uint64_t blocks)
{
    struct tm__slot *slot = tm__slot_at(number);
    atomic_fetch_add_explicit(&slot->owner.freed_bytes, bytes, memory_order_release);
    atomic_fetch_add_explicit(&slot->owner.freed_blocks, blocks, memory_order_release);
    atomic_fetch_sub_explicit(&slot->identity.live_bytes, bytes, memory_order_release); /* see the above */
}

static uint32_t shared_slot_number(const struct tm__owner *shared)
{
    return shared == &tm__late_owner ? TM__LATE_SLOT : TM__OVERFLOW_SLOT;
}

static bool is_shared_owner(const struct tm__owner *owner)
{
    return owner == &tm__late_owner || owner == &tm__overflow_owner || owner == &tm__early_owner;
}

static uint32_t charge_shared(const struct tm__owner *shared, size_t size)
{
    uint32_t number = shared_slot_number(shared);
    if (shared == &tm__early_owner)
        tm__charge_early(size);
    else
        tm__charge_sum_shared(number, size, 1);
    return number;
}

static uint64_t flow_from(const struct tm__block *block);
static void finish_credit(const struct tm__block *block, uint64_t owner, enum tm__credited credited);

/* The thread is bounded. */
static __attribute__((noinline)) uint32_t charge_in_bounds(size_t size, const struct tm__block *instead, bool refusable)
{
    struct tm__owner *me = tm__thread.me;
    uint64_t allocated = tm__load(&me->allocated_bytes) + size;
    uint64_t owner = instead ? flow_from(instead) : 0;
    enum tm__credited credited = TM__NOT_YET;
    if (!tm__check_limits(size, instead, refusable, &credited)) {
        errno = ENOMEM;
        return TM__NO_SLOT;
    }
    tm__store_release(&me->allocated_bytes, allocated); /* may be so already */
    tm__add_own(&me->allocated_blocks, 1);
    if (instead)
        finish_credit(instead, owner, credited);
    if (tm__thread.bounds->calls != 0)
        tm__call_soft_limits();
    return tm__slot_in(me->account);
}

static inline uint32_t charge(size_t size, bool refusable)
{
    struct tm__owner *me = tm__thread.me;
    if (me == &tm__unattached)
        me = tm__attach();
    if (is_shared_owner(me))
        return charge_shared(me, size);

    uint64_t allocated = tm__load(&me->allocated_bytes) + size;
    uint64_t balance = allocated - tm__load(&me->freed_bytes);
    if (balance > tm__watermark(me)) {
        if (__builtin_expect(tm__thread.bounded, 0))
            return charge_in_bounds(size, NULL, refusable);
        tm__look_for_peak(me, balance);
        if (tm__tail)
            tm__set_watermark(me, 0); /* a tail has no place on the fast path */
    }
    tm__store_release(&me->allocated_bytes, allocated);
    tm__add_own(&me->allocated_blocks, 1);
    return tm__slot_in(me->account);
}

uint32_t tm__charge(size_t size)
{
    return charge(size, false);
}

uint32_t tm__try_charge(size_t size)
{
    return charge(size, true);
}

uint32_t tm__exchange(size_t size, const struct tm__block *instead)
{
    if (tm__thread.bounded && !is_shared_owner(tm__thread.me))
        return charge_in_bounds(size, instead, true);
    tm__credit(instead->slot, instead->size);
    return charge(size, true);
}

/* As in its lanes. 0 before it has attached, once it has left, and if there was no slot for it. */
static uint64_t self(void)
{
    const struct tm__owner *home = tm__thread.home;
    return home ? tm__thread.id << 32 | tm__slot_in(home->account) : 0;
}

void tm__choose_writer(void)
{
    bool fast = tm__tail == 0 && !atomic_load_explicit(&tm__flow_is_on, memory_order_relaxed);
    bool in_slot = tm__thread.home && !is_shared_owner(tm__thread.me);
    tm__thread.writer = in_slot && fast ? self() : TM__NO_WRITER;
}

/* Whoever frees what is not its own is on record, too, one that only frees. */
static void count_remote_free(size_t size)
{
    struct tm__owner *me = tm__thread.me;
    if (me == &tm__unattached)
        me = tm__attach();
    if (is_shared_owner(me))
        atomic_fetch_add_explicit(&tm__slot_at(shared_slot_number(me))->remote_frees_made.bytes, size,
                                  memory_order_release);
    else
        tm__add_own(&tm__slot_of(me)->remote_frees_made.bytes, size);
}

/*
 * Whether the thread that has a lane is gone. Acquired: then all that it added is seen. It left its home slot behind
 * that, and who has that now took it over from it.
 */
static bool has_ended(uint64_t writer)
{
    const struct tm__identity *identity = &tm__slot_at((uint32_t)writer)->identity;
    uint64_t thread = atomic_load_explicit(&identity->thread, memory_order_acquire);
    uint64_t life = atomic_load_explicit(&identity->generation_state, memory_order_acquire);
    return (uint32_t)thread != writer >> 32 || tm__state_in(life) != TM__OWNED;
}

/* The lane that the thread has, or now takes; NULL if others have them all. */
static struct tm__lane *find_lane(struct tm__slot *slot)
{
    struct tm__lane *left = NULL;
    uint64_t me = self(), left_by = 0;
    size_t first = (size_t)(tm__first_lane(slot) - slot->lanes);
    for (size_t i = 0; i < TM__LANES; i++) {
        struct tm__lane *lane = &slot->lanes[(first + i) % TM__LANES];
        /* Acquired from its swap: its home slot is seen as that thread's, or a later one's. */
        uint64_t writer = atomic_load_explicit(&lane->writer, memory_order_acquire);
        if (writer == me)
            return lane;
        if (!left && (writer == 0 || has_ended(writer))) {
            left = lane;
            left_by = writer;
        }
    }
    /* The swap decides, of whatever order: counters of a lane that nobody has had are 0 since before the table. */
    return left && atomic_compare_exchange_strong(&left->writer, &left_by, me) ? left : NULL;
}

/*
 * The same for who frees block after block of one owner: where there was none, there is none for the next while. To
 * look is to wait for lines that others write.
 */
static struct tm__lane *lane_of(struct tm__slot *slot)
{
    enum { WHILE = 64 };
    uint32_t name = (uint32_t)(slot - tm__slot_at(0)) + 1;
    if (self() == 0 || (tm__thread.no_lane.slot == name && ++tm__thread.no_lane.times % WHILE != 0))
        return NULL;
    struct tm__lane *lane = find_lane(slot);
    tm__thread.no_lane.slot = lane ? 0 : name & 0xffffff;
    return lane;
}

/* To be followed by count_consumed(); false if that was done, too. */
static bool credit_lane(struct tm__slot *slot, size_t size)
{
    if (tm__credit_remote(slot, size))
        return false;
    struct tm__lane *lane = lane_of(slot);
    if (lane) {
        tm__thread.lane = (size_t)((char *)lane - (char *)slot); /* the next block will be of the same owner */
        tm__add_own(&lane->freed_bytes, size);
        tm__add_own(&lane->freed_blocks, 1);
    } else {
        lane = tm__first_lane(slot);
        atomic_fetch_add_explicit(&lane->shared_bytes, size, memory_order_release);
        atomic_fetch_add_explicit(&lane->shared_blocks, 1, memory_order_release);
    }
    return true;
}

static bool credit_shared(uint32_t number, size_t size)
{
    struct tm__slot *slot = tm__slot_at(number);
    if (tm__is_early() && number == TM__OVERFLOW_SLOT) {
        tm__credit_early(size);
        return false;
    }
    if (is_shared_owner(tm__thread.me) && shared_slot_number(tm__thread.me) == number) {
        tm__credit_sum_shared(number, size, 1);
        return false;
    }
    bool uncounted = credit_lane(slot, size);
    atomic_fetch_sub_explicit(&slot->identity.live_bytes, size, memory_order_release);
    return uncounted;
}

/* True if count_consumed() is to follow. */
static inline bool credit_counters(uint32_t number, size_t size)
{
    struct tm__slot *slot = tm__slot_at(number);
    bool uncounted = false;
    if (number < TM__SHARED_SLOTS)
        uncounted = credit_shared(number, size);
    else if (tm__load(&slot->identity.thread) == tm__thread.id)
        tm__credit_own_slot(slot, size);
    else
        uncounted = credit_lane(slot, size);
    return uncounted;
}

/* The default order is not enough either, nor does it have to be: see tm__retire_if_empty(). */
static inline void retire_orphan(uint32_t number)
{
    if (tm__state_in(atomic_load(&tm__slot_at(number)->identity.generation_state)) == TM__ORPHAN)
        tm__retire_if_empty(number);
}

/* True if count_consumed() is to follow: last, since a slot that became free may be what the caller needs. */
static inline bool credit(uint32_t number, size_t size)
{
    bool uncounted = credit_counters(number, size);
    retire_orphan(number);
    return uncounted;
}

enum tm__credited tm__credit_counters(uint32_t number, size_t size)
{
    return credit_counters(number, size) ? TM__UNCOUNTED : TM__COUNTED;
}

static __attribute__((noinline)) void credit_and_record(uint32_t number, size_t size)
{
    uint64_t owner = tm__flow_owner(tm__slot_at(number), size);
    if (!credit(number, size))
        return;
    count_remote_free(size);
    tm__count_flow(owner, size);
}

void tm__credit(uint32_t number, size_t size)
{
    if (__builtin_expect(atomic_load_explicit(&tm__flow_is_on, memory_order_relaxed), 0))
        credit_and_record(number, size);
    else if (credit(number, size))
        count_remote_free(size);
}

/* Whose the block is; 0 if nobody asks. Where it is refused afterwards, that thread is only known for nothing. */
static uint64_t flow_from(const struct tm__block *block)
{
    bool is_on = atomic_load_explicit(&tm__flow_is_on, memory_order_relaxed);
    return is_on ? tm__flow_owner(tm__slot_at(block->slot), block->size) : 0;
}

/* What of tm__credit() is left to do. */
static void finish_credit(const struct tm__block *block, uint64_t owner, enum tm__credited credited)
{
    if (credited == TM__NOT_YET)
        credited = tm__credit_counters(block->slot, block->size);
    retire_orphan(block->slot);
    if (credited == TM__COUNTED)
        return;
    count_remote_free(block->size);
    if (atomic_load_explicit(&tm__flow_is_on, memory_order_relaxed))
        tm__count_flow(owner, block->size);
}
