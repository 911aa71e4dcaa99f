/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "state/identity.h"
#include "base/kernel.h"
#include "base/options.h"
#include "base/task.h"
#include "state/names.h"
#include "state/own_slots.h"
#include "state/settled.h"
#include "state/slots.h"

#include <errno.h>

/*
 * The process to which the tids in the slots belong: of the first attach, or of the last fork for which our handlers
 * ran. 0 before that, and while only children of vfork have attached, in place of their parents' threads. Memory order
 * does not matter here: no other data depends on it, and two threads that store it store the same.
 */
static _Atomic pid_t process;

/*
 * How often this process, or an ancestor, became a fork's child. Memory order does not matter here: a child has one
 * thread.
 */
static _Atomic unsigned forks;

/*
 * Whether the caller can tell by a tid that a thread is dead. A child of vfork cannot, and neither can the child of a
 * fork for which our handlers did not run (_Fork): the tids are those of the parent. Nobody can tell it of a thread in
 * whose place a child of vfork attached.
 */
static bool can_tell_dead(const struct tm__identity *identity)
{
    return tm__load(&identity->attached) != 0 && tm__sys_getpid() == atomic_load(&process) && tm__is_thread();
}

/*
 * Whether the boot clock is the same as when the identity's thread attached. If a process was checkpointed to a file
 * and restored, all its threads began later than that, even the first one, which began before any thread attached.
 */
static bool is_by_same_clock(const struct tm__identity *identity)
{
    struct tm__task process_itself;
    return tm__read_task(0, 0, &process_itself) && !tm__began_after(&process_itself, tm__load(&identity->attached));
}

/* Whether the thread has died, unseen by us, and the kernel has given its tid to another one. */
static bool is_tid_reused(struct tm__identity *identity, enum tm__found found)
{
    return found == TM__ANOTHER && tm__is_numbered_here(atomic_load(&identity->tid)) && can_tell_dead(identity) &&
           is_by_same_clock(identity);
}

static bool may_be_dead(const struct tm__slot *slot, uint64_t generation_state)
{
    return tm__state_in(generation_state) == TM__OWNED && tm__load(&slot->identity.thread) != tm__thread.id;
}

static bool is_spare_of(uint64_t thread, const struct tm__slot *slot)
{
    return tm__load(&slot->identity.thread) == thread && atomic_load(&slot->identity.spare) == TM__SPARE &&
           tm__state_in(atomic_load(&slot->identity.generation_state)) == TM__FREE;
}

/*
 * Gives back the spare slots of a dead thread; without that, they would hold its home slot, too. Only one thread has
 * found it dead, and comes here. If a signal handler forks, the child gives back all of them but the one in transit, so
 * that is looked at again.
 */
static void give_spares_of(uint64_t thread)
{
    uint32_t outer = tm__thread.slot_in_transit;
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        struct tm__slot *slot = tm__slot_at(number);
        if (!is_spare_of(thread, slot))
            continue;
        tm__thread.slot_in_transit = number;
        atomic_signal_fence(memory_order_seq_cst);
        if (is_spare_of(thread, slot))
            tm__give_slot(number);
        atomic_signal_fence(memory_order_seq_cst);
        tm__thread.slot_in_transit = outer;
    }
}

/* The caller has read `generation_state` first: what it has found out holds only if that has not changed. */
static void declare_dead(uint32_t number, uint64_t generation_state)
{
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t thread = tm__load(&slot->identity.thread);
    if (!atomic_compare_exchange_strong(&slot->identity.generation_state, &generation_state,
                                        (generation_state & ~UINT64_C(0xff)) | TM__ORPHAN))
        return;
    if (tm__home_of(slot) == slot && atomic_load(&slot->identity.holders) > 1)
        give_spares_of(thread);
    tm__retire_if_empty(number);
}

void tm__reap_slot(uint32_t number)
{
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t generation_state = atomic_load(&slot->identity.generation_state);
    pid_t pid = atomic_load(&process);
    tm__retire_if_empty(number);
    if (!may_be_dead(slot, generation_state) || pid == 0)
        return;
    /*
     * tid is read after generation_state, so it is not that of an earlier owner, who may well be dead. All stores of
     * the dead thread are visible: the system call comes after the kernel has ended the thread. It takes longer to find
     * out whether the tid was reused, so that is asked only of slots that would then be retired.
     */
    bool is_gone = tm__sys_tgkill(pid, atomic_load(&slot->identity.tid), 0) == -ESRCH;
    if (is_gone ? can_tell_dead(&slot->identity)
                : tm__is_empty(slot) && is_tid_reused(&slot->identity, tm__refresh_name(&slot->identity)))
        declare_dead(number, generation_state);
}

void tm__refresh_slot(uint32_t number)
{
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t generation_state = atomic_load(&slot->identity.generation_state);
    enum tm__found found = tm__refresh_name(&slot->identity);
    if (found == TM__NOBODY)
        tm__reap_slot(number);
    else if (may_be_dead(slot, generation_state) && is_tid_reused(&slot->identity, found))
        declare_dead(number, generation_state);
}

/*
 * Writes tid and time for a thread of this process; a child of vfork writes those of the thread in whose place it runs.
 * Done again if a signal handler forked in between, and this is its child, which has another tid.
 */
static void write_identity(struct tm__identity *identity, uint64_t thread)
{
    unsigned before;
    do {
        pid_t tid;
        before = atomic_load(&forks);
        bool is_thread = tm__read_own_tid(&tid);
        if (is_thread && atomic_load(&process) == 0)
            atomic_store(&process, tm__sys_getpid());
        atomic_store(&identity->tid, is_thread ? tid : tm__own_tid());
        tm__store(&identity->attached, is_thread ? tm__boot_time() : 0);
    } while (before != atomic_load(&forks));
    tm__init_name(identity, thread == 1);
}

/* Copies them from the thread's first slot, so the kernel is asked only once. */
static void copy_identity(struct tm__identity *identity, const struct tm__identity *home)
{
    unsigned before;
    do {
        before = atomic_load(&forks);
        atomic_store(&identity->tid, atomic_load(&home->tid));
        tm__store(&identity->attached, tm__load(&home->attached));
    } while (before != atomic_load(&forks));
    for (int i = 0; i < 2; i++)
        tm__store(&identity->name[i], tm__load(&home->name[i]));
}

/* tm__give_slot() ends it. */
static void hold_home(struct tm__slot *slot, struct tm__slot *home)
{
    slot->identity.to_home = (char *)home - (char *)slot;
    atomic_fetch_add(&home->identity.holders, 1);
}

uint32_t tm__open_slot(uint64_t thread)
{
    uint32_t number = tm__take_slot();
    if (number == TM__NO_SLOT)
        return number;
    struct tm__slot *slot = tm__slot_at(number);
    struct tm__identity *identity = &slot->identity;
    /*
     * A reader that sees any store below also sees that the slot had become free: tm__reset_slot() has a fence of its
     * own, but another thread may have called it. The counterpart is in read_slot(). The stores below could also be
     * relaxed where they have the default order, as `generation_state` publishes them.
     */
    atomic_thread_fence(memory_order_release);
    slot->owner.account = tm__account_of(number);
    slot->owner.key = tm__key_of(number);
    slot->owner.free_key = tm__tail == 0 ? slot->owner.key : TM__NO_KEY; /* with a guard, each free must check it */
    struct tm_totals before = tm__settled_totals(&identity->before);
    tm__store_since(slot, &before);
    const struct tm__owner *home = tm__thread.home;
    if (home)
        hold_home(slot, tm__slot_of(home));
    if (home)
        copy_identity(identity, &tm__slot_of(home)->identity);
    else
        write_identity(identity, thread);
    atomic_store(&identity->forked_from, 0);
    tm__store(&identity->thread_peak_bytes, 0);
    atomic_store(&slot->home, home ? tm__slot_in(home->account) : number);
    /*
     * Stored after all else that is added up over a thread's slots: readers find a thread's slots by this number, also
     * those that are still free, or free again.
     */
    tm__store_release(&identity->thread, thread);
    return number;
}

/* In the child the thread has another tid, and it began at the fork. */
static void renumber_in_child(struct tm__identity *identity, pid_t pid)
{
    atomic_store(&identity->tid, pid);
    tm__store(&identity->attached, tm__boot_time());
}

pid_t tm__become_process(pid_t pid)
{
    return atomic_exchange(&process, pid);
}

void tm__identities_after_fork(pid_t pid)
{
    for (uint32_t i = 0; i < tm__count_own_slots(); i++)
        renumber_in_child(&tm__own_slot(i)->identity, pid);
    if (tm__thread.slot_in_transit != 0 &&
        tm__survives_fork(tm__thread.slot_in_transit, tm__slot_at(tm__thread.slot_in_transit)))
        renumber_in_child(&tm__slot_at(tm__thread.slot_in_transit)->identity, pid);
    tm__own_slots_after_fork();
    atomic_fetch_add(&forks, 1);
}
