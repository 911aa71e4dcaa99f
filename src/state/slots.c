/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of slots: how many are used, and a lock-free list of those that are free, so that a signal handler or a
 * fork may come at any moment. All that it knows of threads is which slot the calling one has in transit, for a fork.
 */
#include "state/slots.h"
#include "state/pages.h"
#include "state/retired.h"
#include "state/settled.h"
#include "state/tag_table.h"

/*
 * The upper half changes with each operation, so that a thread that was slow notices. The lower half is a slot, or 0.
 * The default order, as tm__identity says: a thread that takes a slot sees all that was done with it before, also
 * `next_free`.
 */
static _Atomic uint64_t free_list;

static uint32_t pop_free(void)
{
    uint64_t head = atomic_load(&free_list);
    for (;;) {
        uint32_t slot = (uint32_t)head;
        if (slot == 0)
            return TM__NO_SLOT;
        uint32_t next = atomic_load(&tm__slot_at(slot)->identity.next_free);
        uint64_t new_head = ((head >> 32) + 1) << 32 | next;
        tm__thread.slot_in_transit = slot; /* stored before the thread has the slot */
        if (atomic_compare_exchange_weak(&free_list, &head, new_head))
            return slot;
    }
}

/* Relaxed: whoever frees a block of the slot got it from the caller, or from its next owner. */
void tm__begin_lanes(struct tm__slot *slot)
{
    for (int i = 0; i < TM__LANES; i++)
        tm__store(&slot->lanes[i].writer, 0);
    tm__store(&slot->lanes_at_start, tm__remote_freed_bytes(slot));
}

void tm__begin_thread_lanes(struct tm__slot *home, uint64_t sum)
{
    tm__store(&home->thread_shared_bytes, sum);
    for (int i = 0; i < TM__LANES; i++)
        tm__store(&home->lanes[i].thread_freed_bytes, 0);
}

/* To a slot that the caller has just got: it is a home slot, until tm__open_slot() says otherwise. */
static void become_home(struct tm__slot *slot)
{
    tm__begin_lanes(slot);
    slot->identity.to_home = 0;
    tm__begin_thread_lanes(slot, tm__load(&slot->lanes_at_start));
    atomic_store(&slot->identity.holders, 1);
}

static uint32_t find_slot(void)
{
    uint32_t slot = pop_free();
    if (slot != TM__NO_SLOT)
        return slot;
    struct tm__head *head = &tm__region_now()->head;
    slot = atomic_load(&head->slots_used);
    while (slot < head->slot_places && tm__make_writable(tm__slot_at(slot), sizeof(struct tm__slot))) {
        tm__thread.slot_in_transit = slot;
        if (atomic_compare_exchange_weak(&head->slots_used, &slot, slot + 1))
            return slot;
    }
    return pop_free(); /* a slot may have come back in the meantime */
}

uint32_t tm__take_slot(void)
{
    uint32_t slot = find_slot();
    if (slot != TM__NO_SLOT)
        become_home(tm__slot_at(slot));
    return slot;
}

static void push_free(uint32_t slot)
{
    uint64_t head = atomic_load(&free_list), new_head;
    do {
        atomic_store(&tm__slot_at(slot)->identity.next_free, (uint32_t)head);
        new_head = ((head >> 32) + 1) << 32 | slot;
    } while (!atomic_compare_exchange_weak(&free_list, &head, new_head));
}

/* If a signal handler forks in between, `number` is the slot in transit: see stand_alone(). */
void tm__give_slot(uint32_t number)
{
    struct tm__slot *slot = tm__slot_at(number), *home = tm__home_of(slot);
    if (atomic_fetch_sub(&home->identity.holders, 1) == 1)
        push_free((uint32_t)(home - tm__slot_at(0)));
    if (home != slot)
        push_free(number);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/*
 * Relaxed: no other thread writes what is loaded here. The last owner's stores were acquired with generation_state by
 * the thread that freed the slot.
 */
void tm__reset_slot(struct tm__slot *slot, struct tm_totals *counted)
{
    struct tm__identity *identity = &slot->identity;
    uint64_t peak = tm__load(&identity->peak_bytes), thread_peak = tm__thread_peak(slot);
    struct tm_totals all = {0}, before = tm__settled_totals(&identity->before);
    all.remote_frees_received_bytes = tm__remote_freed_bytes(slot);
    all.remote_frees_received_blocks = tm__remote_freed_blocks(slot);
    all.allocated_bytes = all.freed_bytes = tm__load(&slot->owner.allocated_bytes);
    all.allocated_blocks = all.freed_blocks = tm__load(&slot->owner.allocated_blocks);
#define READ(name) all.name = tm__load(&slot->own.name);
    TM__OWN_COUNTERS(READ)
#undef READ
    *counted = all;
    tm__subtract_totals(counted, &before);
    counted->peak_bytes = peak;

    /* A reader that sees any store below also sees that the slot has changed hands: its fence is in read_slot(). */
    atomic_thread_fence(memory_order_release);
    tm__store_settled(&identity->before, &all);
    if (peak > tm__load(&slot->before_peak_bytes))
        tm__store(&slot->before_peak_bytes, peak);
    tm__store(&identity->thread_peak_bytes, thread_peak);
    /*
     * The process's peak is read without generation_state: a reader that finds 0 here finds the peak in
     * before_peak_bytes. The same is true for tm__thread_peak().
     */
    tm__store_release(&identity->peak_bytes, 0);
    atomic_store_explicit(&identity->tag, 0, memory_order_relaxed);
    tm__store(&slot->lease, 0);
    /* The next owner's balance begins as if it had freed nothing itself; see tm__charge(). */
    slot->owner.watermark = 0;
}

/*
 * A slot of a fork's child that is free: no thread had it yet, and here there is no other thread. What the slot's
 * earlier generations counted is on record already.
 */
static bool free_again(struct tm__slot *slot)
{
    struct tm_totals counted;
    tm__reset_slot(slot, &counted);
    return true;
}

/*
 * The tags' lock guards what is retired, too: so a fork finds a slot's generation ended and on record by name, or
 * neither.
 */
static bool free_untagged(struct tm__slot *slot, uint64_t generation_state)
{
    struct tm_totals counted;
    enum tm__access access = tm__access_tags();
    if (access == TM__DENIED)
        return false;
    bool is_freed = atomic_compare_exchange_strong(&slot->identity.generation_state, &generation_state,
                                                   (generation_state & ~UINT64_C(0xff)) | TM__FREE);
    if (is_freed) {
        tm__reset_slot(slot, &counted);
        tm__record_retired(slot, NULL, &counted);
    }
    tm__end_tags(access);
    return is_freed;
}

/*
 * Frees and resets a slot that was found to be empty. False if its generation_state has changed; or if the caller is a
 * signal handler that interrupted a change of the tags: then an orphan waits for tm__reap_slot(). The tag is loaded
 * relaxed: if generation_state has not changed, neither has the tag.
 */
static bool free_slot(struct tm__slot *slot, uint64_t generation_state)
{
    uint32_t tag = atomic_load_explicit(&slot->identity.tag, memory_order_relaxed);
    if (tag != 0)
        return tm__tag_remove_slot((tm_tag)tag, slot, generation_state, tm__reset_slot);
    return tm__state_in(generation_state) == TM__FREE ? free_again(slot) : free_untagged(slot, generation_state);
}

bool tm__is_empty(const struct tm__slot *slot)
{
    /* Relaxed: the owner's last stores were acquired with generation_state. The lanes are acquired by themselves. */
    uint64_t blocks = tm__load(&slot->owner.allocated_blocks) - tm__load(&slot->owner.freed_blocks);
    if (blocks != tm__remote_freed_blocks(slot))
        return false;
    uint64_t bytes = tm__load(&slot->owner.allocated_bytes) - tm__load(&slot->owner.freed_bytes);
    return bytes == tm__remote_freed_bytes(slot);
}

/*
 * Two threads may find that the last block is freed: the owner when it exits, and the thread that frees the block. Each
 * first writes (generation_state, or a lane) and then reads what the other one writes. The free has no fence; so if
 * both happen at the same moment, it is possible that neither sees the other. Then the slot waits for tm__reap_slot().
 * In an orphan nothing is allocated, and counters only grow, so if the sums are equal while the generation stays, they
 * are final.
 */
void tm__retire_if_empty(uint32_t number)
{
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t generation_state = atomic_load(&slot->identity.generation_state);
    if (tm__state_in(generation_state) != TM__ORPHAN || !tm__is_empty(slot))
        return;
    uint32_t outer = tm__thread.slot_in_transit;
    tm__thread.slot_in_transit = number;
    if (free_slot(slot, generation_state))
        tm__give_slot(number);
    atomic_signal_fence(memory_order_seq_cst); /* the next store must not be moved before this */
    tm__thread.slot_in_transit = outer;
}

void tm__leave_slot(uint32_t number)
{
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t generation_state = atomic_load(&slot->identity.generation_state);
    atomic_store(&slot->identity.generation_state, (generation_state & ~UINT64_C(0xff)) | TM__ORPHAN);
    tm__retire_if_empty(number);
}

/*
 * The two loads must be in this order: a reader that finds the first peak reset to 0 finds it in the second, see
 * tm__reset_slot(). Acquire, since the caller next checks to which thread the peaks belong: another thread that takes
 * the slot stores its number before it has a peak there.
 */
static uint64_t peak_in(const struct tm__identity *identity)
{
    uint64_t own = atomic_load_explicit(&identity->peak_bytes, memory_order_acquire);
    return larger(own, atomic_load_explicit(&identity->thread_peak_bytes, memory_order_acquire));
}

uint64_t tm__thread_peak(const struct tm__slot *slot)
{
    uint64_t peak = peak_in(&slot->identity);
    const struct tm__slot *home = tm__slot_at(atomic_load_explicit(&slot->home, memory_order_relaxed));
    uint64_t at_home = peak_in(&home->identity);
    return tm__load(&home->identity.thread) == tm__load(&slot->identity.thread) ? larger(peak, at_home) : peak;
}

void tm__keep_thread_peak(struct tm__slot *slot)
{
    tm__store(&slot->identity.thread_peak_bytes, tm__thread_peak(slot));
}

/*
 * A dead thread needs no sum over its slots, so each becomes its own home, and none has to wait for others. Except for
 * the home of the slot in transit: the interrupted tm__give_slot() may be about to count that down.
 */
static void stand_alone(struct tm__slot *slot)
{
    uint32_t in_transit = tm__thread.slot_in_transit;
    slot->identity.to_home = 0;
    atomic_store(&slot->identity.holders, in_transit != 0 && tm__home_of(tm__slot_at(in_transit)) == slot ? 2 : 1);
}

void tm__table_after_fork(pid_t parent)
{
    /*
     * A thread that is not here may have been taking or giving back a slot at the fork, so the free list is built anew.
     * There is one thread. If a signal handler forked in the middle of a change of the list, the interrupted code finds
     * that it has changed.
     */
    atomic_store(&free_list, ((atomic_load(&free_list) >> 32) + 1) << 32);
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        struct tm__slot *slot = tm__slot_at(number);
        if (tm__survives_fork(number, slot))
            continue;
        stand_alone(slot);
        uint64_t generation_state = atomic_load(&slot->identity.generation_state);
        switch (tm__state_in(generation_state)) {
        case TM__FREE:
            if (free_slot(slot, generation_state))
                tm__give_slot(number);
            else /* it has a tag, and the tags must not be changed now: tm__reap_slot() will free it */
                atomic_store(&slot->identity.generation_state, generation_state | TM__ORPHAN);
            break;
        case TM__OWNED:
            tm__keep_thread_peak(slot);
            tm__store(&slot->lease, 0); /* it may have been in the midst of a charge, which never comes */
            atomic_store(&slot->identity.forked_from, parent);
            atomic_store(&slot->identity.generation_state, (generation_state & ~UINT64_C(0xff)) | TM__ORPHAN);
            tm__retire_if_empty(number);
            break;
        case TM__ORPHAN:
            tm__retire_if_empty(number);
            break;
        }
    }
}
