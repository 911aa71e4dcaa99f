/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of slots: how many are used, and a lock-free list of those that are free. No lock, so that a signal handler
 * or a fork may come at any moment. Of threads it knows which slot the calling one has in its hand, for a fork.
 */
#include "room.h"
#include "slot.h"
#include "tags.h"

/*
 * Upper half: changes with each operation, so that a slow thread's view is known to be old. Lower half: slot or 0. The
 * default order, as tm__record says: who takes a slot sees what was done with it before it was given, `next_free` too.
 */
static _Atomic uint64_t free_list;

/*
 * Acquire: there are books, then. Slots themselves begin as zeros, which are a slot that nobody had: so what makes the
 * table grow may be of whatever order, its swap decides who has the new one.
 */
uint32_t tm__slots_used(void)
{
    uint32_t used = atomic_load_explicit(&tm__books_now()->head.slots_used, memory_order_acquire);
    return used > TM__SHARED_SLOTS ? used : TM__SHARED_SLOTS;
}

static uint32_t pop_free(void)
{
    uint64_t head = atomic_load(&free_list);
    for (;;) {
        uint32_t slot = (uint32_t)head;
        if (slot == 0)
            return TM__NO_SLOT;
        uint32_t next = atomic_load(&tm__slot_at(slot)->record.next_free);
        uint64_t turned = ((head >> 32) + 1) << 32 | next;
        tm__thread.in_hand = slot; /* before it is */
        if (atomic_compare_exchange_weak(&free_list, &head, turned))
            return slot;
    }
}

uint32_t tm__take_slot(void)
{
    if (!tm__open_books())
        return TM__NO_SLOT;
    uint32_t slot = pop_free();
    if (slot != TM__NO_SLOT)
        return slot;
    struct tm__head *head = &tm__books_now()->head;
    slot = atomic_load(&head->slots_used);
    while (slot < head->slot_places && tm__has_room(tm__slot_at(slot), sizeof(struct tm__slot))) {
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
        atomic_store(&tm__slot_at(slot)->record.next_free, (uint32_t)head);
        turned = ((head >> 32) + 1) << 32 | slot;
    } while (!atomic_compare_exchange_weak(&free_list, &head, turned));
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Relaxed: nobody else writes what is read here. Its last owner's was acquired with `life` by who freed the slot. */
void tm__settle(struct tm__slot *slot, struct tm_totals *gone)
{
    struct tm__record *record = &slot->record;
    uint64_t others_bytes = 0, others_blocks = 0;
    for (int i = 0; i < TM__LANES; i++) {
        others_bytes += tm__lane_bytes(&slot->others[i]);
        others_blocks += tm__lane_blocks(&slot->others[i]);
    }
    uint64_t bytes = tm__get(&slot->owner.allocated_bytes), blocks = tm__get(&slot->owner.allocated_blocks);
    uint64_t peak = tm__get(&record->peak_bytes);
    gone->allocated_bytes = gone->freed_bytes = bytes - tm__get(&record->before_bytes);
    gone->allocated_blocks = gone->freed_blocks = blocks - tm__get(&record->before_blocks);
    gone->freed_by_others_bytes = others_bytes - tm__get(&record->before_others_bytes);
    gone->freed_by_others_blocks = others_blocks - tm__get(&record->before_others_blocks);
    gone->freed_of_others_bytes = tm__get(&slot->consumed.bytes) - tm__get(&slot->consumed.before_bytes);
    gone->peak_bytes = peak;

    /* A reader that sees any of the below sees that the slot has changed hands: its fence is in read_slot(). */
    atomic_thread_fence(memory_order_release);
    tm__set(&record->before_bytes, bytes);
    tm__set(&record->before_blocks, blocks);
    tm__set(&record->before_others_bytes, others_bytes);
    tm__set(&record->before_others_blocks, others_blocks);
    tm__set(&slot->consumed.before_bytes, tm__get(&slot->consumed.bytes));
    if (peak > tm__get(&record->before_peak_bytes))
        tm__set(&record->before_peak_bytes, peak);
    tm__set(&record->thread_peak_bytes, larger(peak, tm__get(&record->thread_peak_bytes)));
    /* The process's peak is read without `life`: who sees none here sees it there; and tm__thread_peak(). */
    tm__publish(&record->peak_bytes, 0);
    atomic_store_explicit(&record->tag, 0, memory_order_relaxed);
    /* The next owner's balance starts where it has freed nothing of its own; see tm__charge(). */
    record->watermark = slot->owner.watermark = 0;
}

/*
 * Frees and settles a slot that was found to be empty; false if its life has become another. Its tag is read relaxed: if
 * life is still what it was, so is the tag.
 */
static bool free_slot(struct tm__slot *slot, uint64_t life)
{
    uint32_t tag = atomic_load_explicit(&slot->record.tag, memory_order_relaxed);
    if (tag != 0)
        return tm__tag_loses_slot((tm_tag)tag, slot, life, tm__settle);
    struct tm_totals gone;
    if (!atomic_compare_exchange_strong(&slot->record.life, &life, (life & ~UINT64_C(0xff)) | TM__FREE))
        return false;
    tm__settle(slot, &gone);
    return true;
}

bool tm__is_empty(const struct tm__slot *slot)
{
    /* Relaxed: with `life` the owner's last is acquired. The lanes are others'. */
    uint64_t blocks = tm__get(&slot->owner.allocated_blocks) - tm__get(&slot->owner.freed_blocks);
    for (int i = 0; i < TM__LANES; i++)
        blocks -= tm__lane_blocks(&slot->others[i]);
    if (blocks != 0)
        return false;
    uint64_t bytes = tm__get(&slot->owner.allocated_bytes) - tm__get(&slot->owner.freed_bytes);
    for (int i = 0; i < TM__LANES; i++)
        bytes -= tm__lane_bytes(&slot->others[i]);
    return bytes == 0;
}

/*
 * Who may find the last block gone: the owner as it leaves, and everyone who frees. Each first writes (`life`, or a
 * lane) and then reads what the other writes. The one who frees does so without a fence, so if both come at the same
 * moment, neither may see the other; then the slot waits for tm__tend(). In an orphan nothing is allocated and counters
 * only grow, so equal sums read while the generation stays are final.
 */
void tm__retire_if_empty(uint32_t number)
{
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t life = atomic_load(&slot->record.life);
    if (tm__life_in(life) != TM__ORPHAN || !tm__is_empty(slot))
        return;
    uint32_t outer = tm__thread.in_hand;
    tm__thread.in_hand = number;
    if (free_slot(slot, life))
        tm__give_slot(number);
    atomic_signal_fence(memory_order_seq_cst); /* not before */
    tm__thread.in_hand = outer;
}

/*
 * In this order: who finds the first gone finds it in the second, see tm__settle(). Acquired, for whose they are is
 * looked at next: another who has the slot says so before it has a peak there.
 */
static uint64_t peak_in(const struct tm__record *record)
{
    uint64_t own = atomic_load_explicit(&record->peak_bytes, memory_order_acquire);
    return larger(own, atomic_load_explicit(&record->thread_peak_bytes, memory_order_acquire));
}

uint64_t tm__thread_peak(const struct tm__slot *slot)
{
    uint64_t peak = peak_in(&slot->record);
    const struct tm__slot *home = tm__slot_at(atomic_load_explicit(&slot->home, memory_order_relaxed));
    uint64_t at_home = peak_in(&home->record);
    return tm__get(&home->record.thread) == tm__get(&slot->record.thread) ? larger(peak, at_home) : peak;
}

void tm__keep_thread_peak(struct tm__slot *slot)
{
    tm__set(&slot->record.thread_peak_bytes, tm__thread_peak(slot));
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
        uint64_t life = atomic_load(&slot->record.life);
        switch (tm__life_in(life)) {
        case TM__FREE:
            if (free_slot(slot, life))
                tm__give_slot(number);
            else /* for a tag, while the tags may not be touched; tm__tend() will do it */
                atomic_store(&slot->record.life, life | TM__ORPHAN);
            break;
        case TM__OWNED:
            tm__keep_thread_peak(slot);
            atomic_store(&slot->record.forked_from, parent);
            atomic_store(&slot->record.life, (life & ~UINT64_C(0xff)) | TM__ORPHAN);
            tm__retire_if_empty(number);
            break;
        case TM__ORPHAN:
            tm__retire_if_empty(number);
            break;
        }
    }
}
