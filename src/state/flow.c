/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pairs, and the threads that are in them, are in two tables of sets, as lines are in a processor's cache: which set is
 * by hash, and in a full one the least busy gives way. What a pair counted that gave way goes to one sum of all such, so
 * that nothing is lost, and the busy ones stay.
 *
 * A set is locked to be written, for moments; it is read without. `key` and `thread` are 0 while the rest changes: that
 * is stored with release, and read with acquire, so who reads something of the next finds the 0, or the next, behind it.
 * The sum of those that gave way is only added to, in whatever order: it belongs to the pairs when all is at rest.
 */
#define _GNU_SOURCE
#include "state/flow.h"
#include "base/kernel.h"
#include "base/lock.h"
#include "base/messages.h"
#include "state/names.h"
#include "state/pages.h"
#include "threadmeter/totals.h"

#include <string.h>

enum { NAME_WORDS = TM__NAME / sizeof(uint64_t) };

static struct tm__flows *_Atomic flows; /* once that is so */

static void say_that_it_is_off(void)
{
    static _Atomic bool said; /* of whatever order: two that open the books at once say it once */
    if (!atomic_exchange(&said, true))
        tm__notice("threadmeter: no room to record who freed whose blocks, so THREADMETER_FLOW is ignored\n");
}

/* `flows` first, then what says that there are any, here and in the head; so the default order is release enough. */
void tm__turn_flow_on(void)
{
    struct tm__flows *now = tm__flows_now();
    if (!now || !tm__make_writable(now, sizeof *now)) {
        say_that_it_is_off();
        return;
    }
    atomic_store(&flows, now);
    atomic_store(&tm__region_now()->head.flow_is_on, true);
    atomic_store(&tm__flow_is_on, true);
}

/* Relaxed, behind a look at whether flow is on: who sees that, by acquiring it there or as is said above, sees them. */
static struct tm__flows *tables(void)
{
    return atomic_load_explicit(&flows, memory_order_relaxed);
}

static size_t set_of(uint64_t key)
{
    return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 52) % TM__FLOW_SETS;
}

static struct tm__flow_party *find_party(uint64_t thread)
{
    struct tm__flow_party *parties = tables()->parties[set_of(thread)].parties;
    for (int i = 0; i < TM__FLOW_WAYS; i++)
        if (atomic_load_explicit(&parties[i].thread, memory_order_acquire) == thread)
            return &parties[i];
    return NULL;
}

static void copy_name(struct tm__flow_party *party, const struct tm__identity *identity)
{
    for (int i = 0; i < NAME_WORDS; i++)
        tm__store_release(&party->name[i], tm__load(&identity->name[i]));
}

static struct tm__flow_party *make_party(struct tm__flow_party_set *set, uint64_t thread,
                                         const struct tm__identity *identity)
{
    struct tm__flow_party *least = &set->parties[0];
    for (struct tm__flow_party *party = set->parties; party < set->parties + TM__FLOW_WAYS; party++)
        if (tm__load(&party->bytes) < tm__load(&least->bytes))
            least = party;
    tm__store(&least->thread, 0);
    tm__store(&least->bytes, 0);
    atomic_store_explicit(&least->tid, atomic_load(&identity->tid),
                          memory_order_release); /* its slot is still its own */
    copy_name(least, identity);
    tm__store_release(&least->thread, thread);
    return least;
}

static void note_party(uint64_t thread, const struct tm__identity *identity, size_t size)
{
    if (thread == 0)
        return;
    struct tm__flow_party_set *set = &tables()->parties[set_of(thread)];
    if (!tm__lock_anew(&set->lock)) /* interrupted in it: it is noted with the next block */
        return;
    struct tm__flow_party *party = find_party(thread);
    if (!party)
        party = make_party(set, thread, identity);
    tm__add_own(&party->bytes, size + 1); /* not 0: that is who gives way first */
    tm__unlock(&set->lock);
}

/* Relaxed: the caller has a block of that slot, which so is still whose it was when the block was charged. */
uint64_t tm__flow_owner(const struct tm__slot *slot, size_t size)
{
    uint64_t owner = tm__load(&slot->identity.thread);
    if (owner == 0 || owner != tm__thread.id)
        note_party(owner, &slot->identity, size);
    return owner;
}

/* The pair, or the place that it is to take; the set is locked. */
static struct tm__flow_pair *find_pair(struct tm__flow_pair_set *set, uint64_t key)
{
    struct tm__flow_pair *least = &set->pairs[0];
    for (struct tm__flow_pair *pair = set->pairs; pair < set->pairs + TM__FLOW_WAYS; pair++) {
        uint64_t present = tm__load(&pair->key);
        if (present == key || present == 0)
            return pair;
        if (tm__load(&pair->bytes) < tm__load(&least->bytes))
            least = pair;
    }
    return least;
}

/* Of the default order, as where pairs give way. */
static void add_to_others(uint64_t bytes, uint64_t blocks)
{
    atomic_fetch_add(&tables()->displaced_bytes, bytes);
    atomic_fetch_add(&tables()->displaced_blocks, blocks);
}

void tm__count_flow(uint64_t owner, size_t size)
{
    uint64_t freer = tm__thread.id, key = (owner + 1) << 32 | (uint32_t)(freer + 1);
    if (freer != 0)
        note_party(freer, &tm__slot_of(tm__thread.home)->identity, size);
    struct tm__flow_pair_set *set = &tables()->pairs[set_of(key)];
    if (!tm__lock_anew(&set->lock)) { /* a signal handler that frees interrupted this; so the sum is right */
        add_to_others(size, 1);
        return;
    }
    struct tm__flow_pair *pair = find_pair(set, key);
    if (tm__load(&pair->key) != key) {
        tm__store(&pair->key, 0);
        add_to_others(tm__load(&pair->bytes), tm__load(&pair->blocks));
        tm__store_release(&pair->bytes, 0);
        tm__store_release(&pair->blocks, 0);
    }
    tm__add_own(&pair->bytes, size);
    tm__add_own(&pair->blocks, 1);
    tm__store_release(&pair->key, key);
    tm__unlock(&set->lock);
}

/* The set is locked: the party may have given way meanwhile, and another thread have its place. */
static void rename_party(uint64_t thread, const struct tm__identity *identity)
{
    struct tm__flow_party *party = find_party(thread);
    if (party)
        copy_name(party, identity);
}

void tm__leave_flow(void)
{
    struct tm__identity *identity = &tm__slot_of(tm__thread.home)->identity;
    struct tm__flow_party_set *set = &tables()->parties[set_of(tm__thread.id)];
    if (!find_party(tm__thread.id))
        return;
    if (tm__lock_anew(&set->lock)) {
        rename_party(tm__thread.id, identity);
        tm__unlock(&set->lock);
    }
}

void tm__flow_after_fork(void)
{
    if (!atomic_load(&tm__flow_is_on)) /* of whatever order: there is one thread */
        return;
    struct tm__flows *all = tables();
    for (size_t i = 0; i < TM__FLOW_SETS; i++) {
        tm__reset_lock(&all->pairs[i].lock);
        tm__reset_lock(&all->parties[i].lock);
    }
}

/* Of threads that live, as they are now. Who only reads waits for no lock: a set that is held keeps its names. */
static void refresh_names(void)
{
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        struct tm__identity *identity = &tm__slot_at(number)->identity;
        uint64_t thread = tm__load(&identity->thread); /* one that goes just now keeps the name that it left */
        struct tm__flow_party_set *set = &tables()->parties[set_of(thread)];
        if (find_party(thread) && tm__refresh_name(identity) == TM__ITSELF && tm__take_lock(&set->lock)) {
            rename_party(thread, identity);
            tm__unlock(&set->lock);
        }
    }
}

static void describe_party(uint64_t thread, pid_t *tid, char name[TM__NAME])
{
    const struct tm__flow_party *party = thread == 0 ? NULL : find_party(thread);
    strcpy(name, thread == 0 ? "(shared)" : "(unknown)");
    *tid = 0;
    if (!party)
        return;
    uint64_t words[NAME_WORDS];
    for (int i = 0; i < NAME_WORDS; i++)
        words[i] = atomic_load_explicit(&party->name[i], memory_order_acquire);
    pid_t its = atomic_load_explicit(&party->tid, memory_order_acquire);
    if (tm__load(&party->thread) != thread)
        return;
    *tid = its;
    if (words[0] == 0) /* none was learned */
        return;
    memcpy(name, words, TM__NAME);
    name[TM__NAME - 1] = '\0';
}

/* False if there is none at this place, or it gives way now: then it is among the others. */
static bool describe_pair(const struct tm__flow_pair *pair, struct tm_flow *flow)
{
    uint64_t key = atomic_load_explicit(&pair->key, memory_order_acquire);
    if (key == 0)
        return false;
    *flow = (struct tm_flow){.owner = (key >> 32) - 1, .freer = (uint32_t)key - 1};
    flow->bytes = atomic_load_explicit(&pair->bytes, memory_order_acquire);
    flow->blocks = atomic_load_explicit(&pair->blocks, memory_order_acquire);
    if (tm__load(&pair->key) != key)
        return false;
    describe_party(flow->owner, &flow->owner_tid, flow->owner_name);
    describe_party(flow->freer, &flow->freer_tid, flow->freer_name);
    return true;
}

int tm_each_flow(int (*visit)(const struct tm_flow *flow, void *arg), void *arg)
{
    if (!atomic_load(&tm__flow_is_on))
        return 0;
    const struct tm__flows *all = tables(); /* behind it, see there */
    int result = 0;
    refresh_names();
    for (size_t i = 0; i < TM__FLOW_SETS; i++)
        for (int way = 0; way < TM__FLOW_WAYS; way++) {
            struct tm_flow flow;
            if (describe_pair(&all->pairs[i].pairs[way], &flow) && (result = visit(&flow, arg)) != 0)
                return result;
        }
    struct tm_flow others = {.owner_name = "(others)", .freer_name = "(others)"};
    others.bytes = tm__load(&all->displaced_bytes);
    others.blocks = tm__load(&all->displaced_blocks);
    return others.blocks == 0 ? 0 : visit(&others, arg);
}
