/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread's life as seen from here: its first allocation, its end, a fork. Each step can be interrupted by a signal
 * handler that allocates, or raced by another thread; each is decided by one compare-and-swap, and nobody waits.
 */
#define _GNU_SOURCE
#include "base/backend.h"
#include "block/block.h"
#include "block/cache.h"
#include "meter/early.h"
#include "state/flow.h"
#include "base/kernel.h"
#include "state/names.h"
#include "base/objects.h"
#include "base/options.h"
#include "state/publish.h"
#include "state/own_slots.h"
#include "state/slot.h"
#include "state/tag_table.h"
#include "base/task.h"
#include "threadmeter/malloc.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

/* A thread sanitizer is gone before the last round of destructors, and what it instrumented must be, too. */
#ifndef TM__EXIT_ROUNDS
#define TM__EXIT_ROUNDS PTHREAD_DESTRUCTOR_ITERATIONS
#endif

uint64_t tm__secret = TM__NO_SECRET;

_Thread_local struct tm__thread tm__thread __attribute__((tls_model("initial-exec"))) = {
    .me = (struct tm__owner *)&tm__unattached,
    .cache = (struct tm__cache *)&tm__no_cache,
    .writer = TM__NO_WRITER,
    .lane = offsetof(struct tm__slot, lanes),
};

enum { NO_KEY = -1, KEY_UNDECIDED = 0 }; /* else the key + 1 */
/* The default order throughout, as for `life`: a thread attaches once, and what two decide at once only one has. */
static _Atomic long exit_key = KEY_UNDECIDED;

/*
 * As of the first attach or the last fork that we were told of: whose tids are on record. 0 before, and while only
 * children of vfork have attached, in their threads' places. Of whatever order: no data behind it, and two who store it
 * store the same.
 */
static _Atomic pid_t process;

/*
 * The thread whose fork handlers have begun last, by its number, which is the process's in a child: of a living thread of
 * the parent's, whichever forked, no child has it. And a count of forks through which this process came, as the child. Of
 * whatever order: a child has one thread.
 */
static _Atomic pid_t forks_in;
static _Atomic unsigned forks;

/* Of the default order: who sees it has the handlers, whoever registered them. */
static _Atomic bool have_fork_handlers;

/* Nobody calls it, but a linker takes out of an archive only what is named. */
static void (*const taken_along)(void) __attribute__((used)) = tm__report_at_exit;

static void choose_secret(void)
{
    uint64_t random = 0, undecided = TM__NO_SECRET;
    if (tm__sys_getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random) {
        /* An early boot. The kernel's bytes for this process are spoken for, so they are stirred, not shown. */
        struct timespec now;
        tm__sys_clock_gettime(CLOCK_MONOTONIC, &now);
        const void *given = (const void *)getauxval(AT_RANDOM); /* aligned to nothing */
        uint64_t words[2] = {1, 0};
        if (given)
            memcpy(words, given, sizeof words);
        random = ((words[0] ^ words[1]) + (uint64_t)now.tv_nsec) * UINT64_C(0x9e3779b97f4a7c15);
    }
    random |= UINT64_C(1) << 31; /* see tm__secret */
    /* Relaxed: a number with nothing behind it. Who swaps in vain has read it; who has a block got it with that. */
    __atomic_compare_exchange_n(&tm__secret, &undecided, random, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/*
 * Handlers may be registered twice, see decide_exit_key(). And a signal handler may fork in the midst of them: its child
 * is set up like any other, then goes on where its parent was interrupted, and is the one that forks.
 */
static void before_fork(void)
{
    bool outermost = tm__thread.forking == 0;
    const struct tm__owner *home = tm__thread.home;
    if (outermost)
        atomic_store(&forks_in, home ? atomic_load(&tm__slot_of(home)->identity.tid) : tm__sys_gettid());
    tm__thread.forking++;
    atomic_signal_fence(memory_order_seq_cst);
    if (outermost)
        tm__thread.locked_tags = tm__lock_tags();
    tm__copy_before_fork();
}

static void after_fork_in_parent(void)
{
    if (--tm__thread.forking > 0)
        return;
    tm__drop_copy();
    if (tm__thread.locked_tags)
        tm__unlock_tags();
}

/* It has another number in the child, and began there with the fork. */
static void stay_in_child(struct tm__identity *identity, pid_t here)
{
    atomic_store(&identity->tid, here);
    tm__store(&identity->attached, tm__boot_time());
}

/* Of whatever order: there is one thread, and it has its parent's memory as the fork found it. */
static void set_up_child(pid_t here)
{
    pid_t parent = atomic_exchange(&process, here);
    if (parent == 0) /* nobody had attached */
        parent = tm__sys_getppid();
    tm__publish_in_child(parent);
    tm__tags_after_fork();
    tm__table_after_fork(parent);
    tm__flow_after_fork();
    tm__objects_after_fork();
    for (uint32_t i = 0; i < tm__count_own_slots(); i++)
        stay_in_child(&tm__own_slot(i)->identity, here);
    if (tm__thread.in_hand != 0 && tm__survives_fork(tm__thread.in_hand, tm__slot_at(tm__thread.in_hand)))
        stay_in_child(&tm__slot_at(tm__thread.in_hand)->identity, here);
    atomic_fetch_add(&forks, 1);
}

static void after_fork_in_child(void)
{
    pid_t here = tm__sys_gettid(); /* of its only thread, so the process's */
    if (here != atomic_load(&forks_in))
        set_up_child(here);
    atomic_store(&forks_in, here);
    if (--tm__thread.forking == 0 && tm__thread.locked_tags)
        tm__unlock_tags();
}

/*
 * While a thread attaches or leaves, a signal handler may fork, and what it interrupted goes on in the child, too, with
 * what it has: which the child has to leave to it. A handler may attach itself; so there may be an outer one.
 */
struct transit {
    uint32_t passing;
    uint32_t in_hand;
};

static struct transit begin_transit(uint64_t thread, uint32_t slot)
{
    struct transit outer = {tm__thread.passing, tm__thread.in_hand};
    tm__thread.passing = (uint32_t)thread;
    tm__thread.in_hand = slot;
    atomic_signal_fence(memory_order_seq_cst);
    return outer;
}

static void end_transit(struct transit outer)
{
    atomic_signal_fence(memory_order_seq_cst);
    tm__thread.passing = outer.passing;
    tm__thread.in_hand = outer.in_hand;
}

void tm__leave_slot(uint32_t number)
{
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t life = atomic_load(&slot->identity.generation_state);
    atomic_store(&slot->identity.generation_state, (life & ~UINT64_C(0xff)) | TM__ORPHAN);
    tm__retire_if_empty(number);
}

/* Of all its slots. */
static void leave(void)
{
    uint32_t home = tm__slot_in(tm__thread.home->account);
    if (atomic_load_explicit(&tm__flow_is_on, memory_order_relaxed))
        tm__leave_flow();
    tm__leave_tag_slots();
    tm_flush_cache();
    struct transit outer = begin_transit(tm__thread.id, home);
    tm__thread.home = NULL;
    tm__thread.id = 0;
    tm__choose_writer();
    tm__leave_slot(home);
    end_transit(outer);
}

/* Other destructors may still allocate, so the slot is kept until the last round of them. */
static void thread_exits(void *arg)
{
    struct tm__slot *slot = arg;
    if (!tm__thread.home) /* libc gave it the stack of one who died without destructors, and the key's value with it */
        return;
    tm__thread.exit_rounds++;
    tm_flush_cache();
    if (tm__thread.exit_rounds < TM__EXIT_ROUNDS &&
        pthread_setspecific((pthread_key_t)(atomic_load(&exit_key) - 1), slot) == 0)
        return;
    tm__turn_to_shared(&tm__late_owner);
    leave();
}

/*
 * Before there is a second thread: one that registered them while another forks would be too late for that fork, whose
 * child might find the lock held. They allocate nothing, so their order among the backend's is of no matter.
 */
__attribute__((constructor(TM__OUTERMOST))) static void register_before_threads(void)
{
    tm__register_fork_handlers();
}

bool tm__register_fork_handlers(void)
{
    if (!atomic_load(&have_fork_handlers) &&
        pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0)
        atomic_store(&have_fork_handlers, true);
    return atomic_load(&have_fork_handlers);
}

/* No thread attaches before there are fork handlers, if they can be had. Two that come at once may both register them. */
static long decide_exit_key(void)
{
    long decided = atomic_load(&exit_key);
    if (decided != KEY_UNDECIDED)
        return decided;
    tm__register_fork_handlers();
    pthread_key_t key;
    long mine = pthread_key_create(&key, thread_exits) == 0 ? (long)key + 1 : NO_KEY;
    if (!atomic_compare_exchange_strong(&exit_key, &decided, mine)) {
        if (mine != NO_KEY)
            pthread_key_delete(key);
        return decided;
    }
    return mine;
}

static struct tm__owner *share_overflow(void)
{
    tm__turn_to_shared(&tm__overflow_owner);
    return tm__thread.me;
}

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

/* The number of the last thread that did. */
static _Atomic uint64_t attached;

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
    tm__store(&slot->since.bytes, tm__load(&identity->before_bytes));
    tm__store(&slot->since.blocks, tm__load(&identity->before_blocks));
    tm__store(&slot->since.remote_bytes, tm__load(&identity->before_remote_bytes));
    tm__store(&slot->since.remote_blocks, tm__load(&identity->before_remote_blocks));
    tm__store(&slot->remote_frees_made.since_bytes, tm__load(&slot->remote_frees_made.before_bytes));
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

/*
 * tcmalloc's debug library is to see each free. It is asked for here, by the first thread, since tcmalloc allocates where it is
 * first asked anything: preloaded, through our operator new.
 */
static void limit_caches(void)
{
    if (backend_knows_objects())
        return;
    tm__cache_after = UINT_MAX;
    tm_flush_cache();
}

/* A thread whose end nobody would tell us of must not hold a slot. */
static struct tm__owner *attach(uint64_t thread, long key)
{
    uint32_t number = key == NO_KEY ? TM__NO_SLOT : tm__open_slot(thread);
    if (number == TM__NO_SLOT)
        return tm__thread.me == &tm__unattached ? share_overflow() : tm__thread.me;

    /*
     * A signal handler may have attached this thread since. From the swap on, ours may. Relaxed: no other thread reads
     * tm__thread.me.
     */
    struct tm__slot *slot = tm__slot_at(number);
    uint64_t life = atomic_load(&slot->identity.generation_state);
    atomic_store(&slot->identity.generation_state, (life & ~UINT64_C(0xff)) + (1 << 8) + TM__OWNED);
    struct tm__owner *expected = (struct tm__owner *)&tm__unattached;
    if (!__atomic_compare_exchange_n(&tm__thread.me, &expected, &slot->owner, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED)) {
        atomic_store(&slot->identity.generation_state, (life & ~UINT64_C(0xff)) + (1 << 8) + TM__FREE);
        tm__give_slot(number);
        return tm__thread.me;
    }
    tm__thread.id = thread;
    tm__thread.lane = offsetof(struct tm__slot, lanes) + thread % TM__LANES * sizeof(struct tm__lane);
    tm__thread.home = &slot->owner;
    /* What follows may allocate, and that may come here: we are attached. */
    tm__choose_writer();
    if (pthread_setspecific((pthread_key_t)(key - 1), slot) != 0) {
        share_overflow();
        leave();
    } else {
        if (thread == 1)
            limit_caches();
        if (tm__cache_after == 0)
            tm__open_cache();
    }
    return tm__thread.me;
}

static struct tm__owner *attach_in_transit(void)
{
    backend_avoid_brk();
    tm__open_region();
    long key = decide_exit_key();
    uint64_t thread = atomic_fetch_add(&attached, 1) + 1;
    struct transit outer = begin_transit(thread, 0);
    struct tm__owner *me = attach(thread, key);
    end_transit(outer);
    return me;
}

struct tm__owner *tm__attach(void)
{
    if (!tm__has_secret())
        choose_secret();
    if (tm__is_early())
        return (struct tm__owner *)&tm__early_owner;
    tm__thread.attaching++;
    struct tm__owner *me = attach_in_transit();
    tm__thread.attaching--;
    tm__flush_early_charges();
    return me;
}
