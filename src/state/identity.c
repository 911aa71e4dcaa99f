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
 * As of the first attach or the last fork that we were told of: whose tids are on record. 0 before, and while only
 * children of vfork have attached, in their threads' places. Of whatever order: no data behind it, and two who store it
 * store the same.
 */
static _Atomic pid_t process;

/* A count of forks through which this process came, as the child. Of whatever order: a child has one thread. */
static _Atomic unsigned forks;

/*
 * Whether the caller can tell by numbers who is dead. A child of vfork cannot, nor can one of a fork that we were not
 * told of (_Fork): these are the parent's numbers. Nor in any case of who attached in a child of vfork.
 */
static bool knows_the_dead(const struct tm__identity *identity)
{
    return tm__load(&identity->attached) != 0 && tm__sys_getpid() == atomic_load(&process) && tm__is_thread();
}

/*
 * Whether the clock is the one that was looked at when the record's thread attached. In a process that was stopped, kept in
 * a file and started anew every thread began later than that, the first one, too, which began before all others.
 */
static bool is_by_same_clock(const struct tm__identity *identity)
{
    struct tm__task process_itself;
    return tm__read_task(0, 0, &process_itself) && !tm__began_after(&process_itself, tm__load(&identity->attached));
}

/* Or whether the kernel gave the tid of one who died unseen to another. */
static bool is_anothers(struct tm__identity *identity, enum tm__found found)
{
    return found == TM__ANOTHER && tm__is_numbered_here(atomic_load(&identity->tid)) && knows_the_dead(identity) &&
           is_by_same_clock(identity);
}

static bool may_be_dead(const struct tm__slot *slot, uint64_t life)
{
    return tm__state_in(life) == TM__OWNED && tm__load(&slot->identity.thread) != tm__thread.id;
}

/* `life` was read first: what is known of the slot is so while it stays. */
static void declare_dead(uint32_t number, uint64_t life)
{
    _Atomic uint64_t *present = &tm__slot_at(number)->identity.generation_state;
    if (atomic_compare_exchange_strong(present, &life, (life & ~UINT64_C(0xff)) | TM__ORPHAN))
        tm__retire_if_empty(number);
}

void tm__reap_slot(uint32_t number)
{
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t life = atomic_load(&slot->identity.generation_state);
    pid_t here = atomic_load(&process);
    tm__retire_if_empty(number);
    if (!may_be_dead(slot, life) || here == 0)
        return;
    /*
     * tid behind `life`, so it is no earlier owner's, who may well be dead. What the dead did is seen: the system call
     * comes after the end of its thread in the kernel. Whether the tid is another's by now takes longer; it is asked of
     * slots only that would be retired.
     */
    bool is_gone = tm__sys_tgkill(here, atomic_load(&slot->identity.tid), 0) == -ESRCH;
    if (is_gone ? knows_the_dead(&slot->identity)
                : tm__is_empty(slot) && is_anothers(&slot->identity, tm__refresh_name(&slot->identity)))
        declare_dead(number, life);
}

void tm__refresh_slot(uint32_t number)
{
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t life = atomic_load(&slot->identity.generation_state);
    enum tm__found found = tm__refresh_name(&slot->identity);
    if (found == TM__NOBODY)
        tm__reap_slot(number);
    else if (may_be_dead(slot, life) && is_anothers(&slot->identity, found))
        declare_dead(number, life);
}

/*
 * By the numbers of a thread of this process, or else as the one in whose place a child of vfork is. Again if they became
 * others meanwhile, in the child of a handler that forked.
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

/* As its thread's first slot: the kernel is asked once. */
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

uint32_t tm__open_slot(uint64_t thread)
{
    uint32_t number = tm__take_slot();
    if (number == TM__NO_SLOT)
        return number;
    struct tm__slot *slot = tm__slot_at(number);
    struct tm__identity *identity = &slot->identity;
    /*
     * Who sees anything of the below sees that the slot had become free: settle()'s fence is of the thread that settled
     * it, which may be another. read_slot() has the other half. What is of the default order here need not be: `life`
     * publishes it.
     */
    atomic_thread_fence(memory_order_release);
    slot->owner.account = tm__account_of(number);
    slot->owner.key = tm__key_of(number);
    slot->owner.free_key = tm__tail == 0 ? slot->owner.key : TM__NO_KEY; /* a tail is looked at */
    struct tm_totals before = tm__settled_totals(&identity->before);
    tm__store_settled(&slot->since, &before);
    const struct tm__owner *home = tm__thread.home;
    if (home)
        copy_identity(identity, &tm__slot_of(home)->identity);
    else
        write_identity(identity, thread);
    atomic_store(&identity->forked_from, 0);
    tm__store(&identity->thread_peak_bytes, 0);
    atomic_store(&slot->home, home ? tm__slot_in(home->account) : number);
    /* Behind all that is added up of a thread's slots: those that are still free, or again, are found by it, too. */
    tm__store_release(&identity->thread, thread);
    return number;
}

/* It has another number in the child, and began there with the fork. */
static void stay_in_child(struct tm__identity *identity, pid_t here)
{
    atomic_store(&identity->tid, here);
    tm__store(&identity->attached, tm__boot_time());
}

pid_t tm__become_process(pid_t here)
{
    return atomic_exchange(&process, here);
}

void tm__identities_after_fork(pid_t here)
{
    for (uint32_t i = 0; i < tm__count_own_slots(); i++)
        stay_in_child(&tm__own_slot(i)->identity, here);
    if (tm__thread.in_hand != 0 && tm__survives_fork(tm__thread.in_hand, tm__slot_at(tm__thread.in_hand)))
        stay_in_child(&tm__slot_at(tm__thread.in_hand)->identity, here);
    atomic_fetch_add(&forks, 1);
}
