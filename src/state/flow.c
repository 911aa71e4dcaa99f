/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pairs of threads, and the threads in them, are in two tables. Each is set-associative, like a processor's cache: a
 * hash chooses the set, and in a full set the entry with the fewest bytes is displaced. What a displaced pair counted
 * is added to one sum of all such pairs, so that nothing is lost, and the busy pairs stay.
 *
 * A set is locked for moments while it is written, and is read without the lock. `key` and `thread` are 0 while the
 * other fields change. All of these are stored with release and loaded with acquire: a reader that has read a field of
 * the next entry then reads 0, or the next entry's number, when it loads `key` or `thread` again. Memory order does not
 * matter for the sum of displaced pairs, which is only added to: it is exact once no thread frees any more.
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

static struct tm__flows *_Atomic flows; /* set once flow is on */

static void report_flow_off(void)
{
    /* Memory order does not matter here: two threads that open the region at once report it once. */
    static _Atomic bool reported;
    if (!atomic_exchange(&reported, true))
        tm__notice("threadmeter: no room to record who freed whose blocks, so THREADMETER_FLOW is ignored\n");
}

/*
 * `flows` is stored first, then the two flags that say that flow is on. The default order makes each of them a release.
 */
void tm__turn_flow_on(void)
{
    struct tm__flows *now = tm__flows_now();
    if (!now || !tm__make_writable(now, sizeof *now)) {
        report_flow_off();
        return;
    }
    atomic_store(&flows, now);
    atomic_store(&tm__region_now()->head.flow_is_on, true);
    atomic_store(&tm__flow_is_on, true);
}

/*
 * Relaxed: the caller has first checked that flow is on, with acquire, or as the comment at tm__flow_is_on allows. So
 * it sees the tables, too.
 */
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
                          memory_order_release); /* the slot still belongs to this thread */
    copy_name(least, identity);
    tm__store_release(&least->thread, thread);
    return least;
}

static void note_party(uint64_t thread, const struct tm__identity *identity, size_t size)
{
    if (thread == 0)
        return;
    struct tm__flow_party_set *set = &tables()->parties[set_of(thread)];
    /* The caller interrupted the holder of the lock: the thread is noted with its next block. */
    if (!tm__lock_anew(&set->lock))
        return;
    struct tm__flow_party *party = find_party(thread);
    if (!party)
        party = make_party(set, thread, identity);
    tm__add_own(&party->bytes, size + 1); /* never 0: such an entry would be displaced first */
    tm__unlock(&set->lock);
}

/*
 * Relaxed: the caller holds a block of that slot, so the slot belongs to the same thread as when the block was charged.
 */
uint64_t tm__flow_owner(const struct tm__slot *slot, size_t size)
{
    uint64_t owner = tm__load(&slot->identity.thread);
    if (owner == 0 || owner != tm__thread.id)
        note_party(owner, &slot->identity, size);
    return owner;
}

/* The entry of the pair, or the one that it shall replace. The set is locked. */
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

/* The default order; memory order does not matter here. */
static void add_displaced(uint64_t bytes, uint64_t blocks)
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
    /* A signal handler that frees interrupted the holder of the lock; counting it here keeps the sum right. */
    if (!tm__lock_anew(&set->lock)) {
        add_displaced(size, 1);
        return;
    }
    struct tm__flow_pair *pair = find_pair(set, key);
    if (tm__load(&pair->key) != key) {
        tm__store(&pair->key, 0);
        add_displaced(tm__load(&pair->bytes), tm__load(&pair->blocks));
        tm__store_release(&pair->bytes, 0);
        tm__store_release(&pair->blocks, 0);
    }
    tm__add_own(&pair->bytes, size);
    tm__add_own(&pair->blocks, 1);
    tm__store_release(&pair->key, key);
    tm__unlock(&set->lock);
}

/*
 * The set is locked. The thread's entry may have been displaced in the meantime, and another thread may have its place.
 */
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
    if (!atomic_load(&tm__flow_is_on)) /* memory order does not matter here: there is one thread */
        return;
    struct tm__flows *all = tables();
    for (size_t i = 0; i < TM__FLOW_SETS; i++) {
        tm__reset_lock(&all->pairs[i].lock);
        tm__reset_lock(&all->parties[i].lock);
    }
}

/*
 * Refreshes the names of threads that live. A reader waits for no lock: a set that is locked keeps the names that it
 * has.
 */
static void refresh_names(void)
{
    for (uint32_t number = TM__SHARED_SLOTS; number < tm__slots_used(); number++) {
        struct tm__identity *identity = &tm__slot_at(number)->identity;
        /* A thread that exits just now has stored its last name itself. */
        uint64_t thread = tm__load(&identity->thread);
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
    pid_t tid_now = atomic_load_explicit(&party->tid, memory_order_acquire);
    if (tm__load(&party->thread) != thread)
        return;
    *tid = tid_now;
    if (words[0] == 0) /* no name was learned */
        return;
    memcpy(name, words, TM__NAME);
    name[TM__NAME - 1] = '\0';
}

/* False if there is no pair at this place, or if it is being displaced: then it is in the sum of displaced pairs. */
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
    const struct tm__flows *all = tables(); /* after the check above: see tables() */
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
