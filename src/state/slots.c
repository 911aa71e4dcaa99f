/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of slots: how many are used, and a lock-free list of those that are free. No lock, so that a signal handler
 * or a fork may come at any moment. Of threads it knows which slot the calling one has in its hand, for a fork.
 */
#include "state/slots.h"
#include "state/pages.h"
#include "state/settled.h"
#include "state/tag_table.h"

/*
 * Upper half: changes with each operation, so that a slow thread's view is known to be old. Lower half: slot or 0. The
 * default order, as tm__identity says: who takes a slot sees what was done with it before it was given, `next_free` too.
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
        uint64_t turned = ((head >> 32) + 1) << 32 | next;
        tm__thread.in_hand = slot; /* before it is */
        if (atomic_compare_exchange_weak(&free_list, &head, turned))
            return slot;
    }
}

uint32_t tm__take_slot(void)
{
    uint32_t slot = pop_free();
    if (slot != TM__NO_SLOT)
        return slot;
    struct tm__head *head = &tm__region_now()->head;
    slot = atomic_load(&head->slots_used);
    while (slot < head->slot_places && tm__make_writable(tm__slot_at(slot), sizeof(struct tm__slot))) {
        tm__thread.in_hand = slot;
        if (atomic_compare_exchange_weak(&head->slots_used, &slot, slot + 1))
            return slot;
    }
    return pop_free(); /* one may have come back meanwhile */
}

void tm__give_slot(uint32_t slot)
{
    uint64_t head = atomic_load(&free_list), turned;
    do {
        atomic_store(&tm__slot_at(slot)->identity.next_free, (uint32_t)head);
        turned = ((head >> 32) + 1) << 32 | slot;
    } while (!atomic_compare_exchange_weak(&free_list, &head, turned));
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Relaxed: nobody else writes what is read here. Its last owner's was acquired with `life` by who freed the slot. */
void tm__reset_slot(struct tm__slot *slot, struct tm_totals *gone)
{
    struct tm__identity *identity = &slot->identity;
    uint64_t peak = tm__load(&identity->peak_bytes);
    struct tm_totals all = {0}, before = tm__settled_totals(&identity->before);
    for (int i = 0; i < TM__LANES; i++) {
        all.remote_frees_received_bytes += tm__lane_bytes(&slot->lanes[i]);
        all.remote_frees_received_blocks += tm__lane_blocks(&slot->lanes[i]);
    }
    all.allocated_bytes = all.freed_bytes = tm__load(&slot->owner.allocated_bytes);
    all.allocated_blocks = all.freed_blocks = tm__load(&slot->owner.allocated_blocks);
#define READ(name) all.name = tm__load(&slot->own.name);
    TM__OWN_COUNTERS(READ)
#undef READ
    *gone = all;
    tm__subtract_totals(gone, &before);
    gone->peak_bytes = peak;

    /* A reader that sees any of the below sees that the slot has changed hands: its fence is in read_slot(). */
    atomic_thread_fence(memory_order_release);
    tm__store_settled(&identity->before, &all);
    if (peak > tm__load(&identity->before_peak_bytes))
        tm__store(&identity->before_peak_bytes, peak);
    tm__store(&identity->thread_peak_bytes, larger(peak, tm__load(&identity->thread_peak_bytes)));
    /* The process's peak is read without `life`: who sees none here sees it there; and tm__thread_peak(). */
    tm__store_release(&identity->peak_bytes, 0);
    atomic_store_explicit(&identity->tag, 0, memory_order_relaxed);
    /* The next owner's balance starts where it has freed nothing of its own; see tm__charge(). */
    slot->watermark = slot->owner.watermark = 0;
}

/*
 * Frees and settles a slot that was found to be empty; false if its life has become another. Its tag is read relaxed: if
 * life is still what it was, so is the tag.
 */
static bool free_slot(struct tm__slot *slot, uint64_t life)
{
    uint32_t tag = atomic_load_explicit(&slot->identity.tag, memory_order_relaxed);
    if (tag != 0)
        return tm__tag_remove_slot((tm_tag)tag, slot, life, tm__reset_slot);
    struct tm_totals gone;
    if (!atomic_compare_exchange_strong(&slot->identity.generation_state, &life, (life & ~UINT64_C(0xff)) | TM__FREE))
        return false;
    tm__reset_slot(slot, &gone);
    return true;
}

bool tm__is_empty(const struct tm__slot *slot)
{
    /* Relaxed: with `life` the owner's last is acquired. The lanes are others'. */
    uint64_t blocks = tm__load(&slot->owner.allocated_blocks) - tm__load(&slot->owner.freed_blocks);
    for (int i = 0; i < TM__LANES; i++)
        blocks -= tm__lane_blocks(&slot->lanes[i]);
    if (blocks != 0)
        return false;
    uint64_t bytes = tm__load(&slot->owner.allocated_bytes) - tm__load(&slot->owner.freed_bytes);
    for (int i = 0; i < TM__LANES; i++)
        bytes -= tm__lane_bytes(&slot->lanes[i]);
    return bytes == 0;
}

/*
 * Who may find the last block gone: the owner as it leaves, and everyone who frees. Each first writes (`life`, or a
 * lane) and then reads what the other writes. The one who frees does so without a fence, so if both come at the same
 * moment, neither may see the other; then the slot waits for tm__reap_slot(). In an orphan nothing is allocated and counters
 * only grow, so equal sums read while the generation stays are final.
 */
void tm__retire_if_empty(uint32_t number)
{
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t life = atomic_load(&slot->identity.generation_state);
    if (tm__state_in(life) != TM__ORPHAN || !tm__is_empty(slot))
        return;
    uint32_t outer = tm__thread.in_hand;
    tm__thread.in_hand = number;
    if (free_slot(slot, life))
        tm__give_slot(number);
    atomic_signal_fence(memory_order_seq_cst); /* not before */
    tm__thread.in_hand = outer;
}

void tm__leave_slot(uint32_t number)
{
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t life = atomic_load(&slot->identity.generation_state);
    atomic_store(&slot->identity.generation_state, (life & ~UINT64_C(0xff)) | TM__ORPHAN);
    tm__retire_if_empty(number);
}

/*
 * In this order: who finds the first gone finds it in the second, see tm__reset_slot(). Acquired, for whose they are is
 * looked at next: another who has the slot says so before it has a peak there.
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

void tm__table_after_fork(pid_t parent)
{
    /*
     * Threads that are not here may have held a slot in mid-air; so the free list is made anew. There is one thread. Who
     * was interrupted in the midst of the list by a handler that forked finds it changed.
     */
    atomic_store(&free_list, ((atomic_load(&free_list) >> 32) + 1) << 32);
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        struct tm__slot *slot = tm__slot_at(number);
        if (tm__survives_fork(number, slot))
            continue;
        uint64_t life = atomic_load(&slot->identity.generation_state);
        switch (tm__state_in(life)) {
        case TM__FREE:
            if (free_slot(slot, life))
                tm__give_slot(number);
            else /* for a tag, while the tags may not be touched; tm__reap_slot() will do it */
                atomic_store(&slot->identity.generation_state, life | TM__ORPHAN);
            break;
        case TM__OWNED:
            tm__keep_thread_peak(slot);
            atomic_store(&slot->identity.forked_from, parent);
            atomic_store(&slot->identity.generation_state, (life & ~UINT64_C(0xff)) | TM__ORPHAN);
            tm__retire_if_empty(number);
            break;
        case TM__ORPHAN:
            tm__retire_if_empty(number);
            break;
        }
    }
}
