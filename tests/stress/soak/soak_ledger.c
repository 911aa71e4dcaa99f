/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "soak_ledger.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SLOTS = 131072, SHARED_SLOTS = 2 };

void fail(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    dprintf(STDERR_FILENO, "soak: %s\n", line);
    _exit(1);
}

/* The counters of a tm_totals, which are added and compared one like the other. */
enum { COUNTERS = 6 };
static const struct counter {
    const char *name;
    size_t offset;
} counters[COUNTERS] = {
    {"allocated bytes", offsetof(struct tm_totals, allocated_bytes)},
    {"allocated blocks", offsetof(struct tm_totals, allocated_blocks)},
    {"freed bytes", offsetof(struct tm_totals, freed_bytes)},
    {"freed blocks", offsetof(struct tm_totals, freed_blocks)},
    {"remote free bytes", offsetof(struct tm_totals, remote_frees_received_bytes)},
    {"remote free blocks", offsetof(struct tm_totals, remote_frees_received_blocks)},
};

static uint64_t get(const struct tm_totals *totals, int counter)
{
    return *(const uint64_t *)((const char *)totals + counters[counter].offset);
}

static void add(struct tm_totals *sum, const struct tm_totals *more)
{
    for (int i = 0; i < COUNTERS; i++)
        *(uint64_t *)((char *)sum + counters[i].offset) += get(more, i);
}

static void expect_equal(const struct tm_totals *actual, const struct tm_totals *expected, const char *whose,
                         uint32_t slot)
{
    for (int i = 0; i < COUNTERS; i++)
        if (get(actual, i) != get(expected, i))
            fail("%s %u: %s are %llu, should be %llu", whose, slot, counters[i].name,
                 (unsigned long long)get(actual, i), (unsigned long long)get(expected, i));
}

static void expect_no_less(const struct tm_totals *later, const struct tm_totals *earlier, const char *what)
{
    for (int i = 0; i < COUNTERS; i++)
        if (get(later, i) < get(earlier, i))
            fail("%s: %s are %llu, less than %llu", what, counters[i].name, (unsigned long long)get(later, i),
                 (unsigned long long)get(earlier, i));
}

static void expect_sane(const struct tm_totals *totals, const char *whose)
{
    if (totals->freed_bytes > totals->allocated_bytes || totals->freed_blocks > totals->allocated_blocks)
        fail("%s freed more than it allocated", whose);
    if (totals->remote_frees_received_bytes > totals->freed_bytes ||
        totals->remote_frees_received_blocks > totals->freed_blocks)
        fail("%s: remote frees are more than all frees", whose);
}

/* ---- ledgers ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ledger *in_use, *spare;
static struct tm_totals retired_sum; /* of ledgers whose thread has exited, and all of whose blocks are freed */
static struct rest latest;
static _Atomic uint64_t readings;

static struct tm_totals totals_of(const struct ledger *ledger)
{
    return (struct tm_totals){
        .allocated_bytes = ledger->allocated_bytes,
        .allocated_blocks = ledger->allocated_blocks,
        .freed_bytes = ledger->freed_bytes + ledger->remote_bytes,
        .freed_blocks = ledger->freed_blocks + ledger->remote_blocks,
        .remote_frees_received_bytes = ledger->remote_bytes,
        .remote_frees_received_blocks = ledger->remote_blocks,
    };
}

struct ledger *ledger_of_caller(void)
{
    static _Thread_local struct tm_slot found[1024];
    pid_t tid = gettid();
    size_t count = tm_snapshot(found, 1024), at = 0;
    while (at < count && (found[at].tid != tid || found[at].state != TM_LIVE))
        at++;
    if (at >= count || count > 1024)
        fail("none of %zu slots belongs to thread %d", count, (int)tid);

    pthread_mutex_lock(&lock);
    struct ledger *ledger = spare;
    if (ledger)
        spare = ledger->next;
    else if (!(ledger = malloc(sizeof *ledger)))
        fail("no memory for a ledger");
    memset(ledger, 0, sizeof *ledger);
    ledger->slot = found[at].slot;
    ledger->generation = found[at].generation;
    ledger->tid = tid;
    ledger->next = in_use;
    in_use = ledger;
    pthread_mutex_unlock(&lock);
    return ledger;
}

struct ledger *ledger_of_nobody(void)
{
    static struct ledger nobody;
    return &nobody;
}

void ledger_charge(struct ledger *self, size_t size)
{
    self->allocated_bytes += size;
    self->allocated_blocks++;
}

void ledger_credit(struct ledger *owner, size_t size, const struct ledger *caller)
{
    *(owner == caller ? &owner->freed_bytes : &owner->remote_bytes) += size;
    ++*(owner == caller ? &owner->freed_blocks : &owner->remote_blocks);
}

/* ---- at work ---- */

static struct tm_slot seen_before[MOST_SLOTS];

static int check_slot(const struct tm_slot *slot, void *arg)
{
    struct tm_slot *before = &seen_before[slot->slot];
    expect_sane(&slot->totals, "a slot");
    if (slot->generation == before->generation) {
        expect_no_less(&slot->totals, &before->totals, "a slot");
        if (slot->totals.peak_bytes < before->totals.peak_bytes)
            fail("the peak of slot %u is lower than before", slot->slot);
    } else if (slot->generation < before->generation) {
        fail("slot %u went back to generation %u", slot->slot, slot->generation);
    }
    *before = *slot;
    add(arg, &slot->totals);
    return 0;
}

void check_while_working(void)
{
    static struct tm_totals process_before;
    struct tm_totals retired_first, retired_last, first, last, slots = {0};
    tm_retired_totals(&retired_first);
    tm_process_totals(&first);
    tm_each_slot(check_slot, &slots);
    tm_retired_totals(&retired_last);
    tm_process_totals(&last);

    expect_sane(&first, "the process");
    expect_sane(&last, "the process");
    expect_no_less(&first, &process_before, "the process, later");
    expect_no_less(&last, &first, "the process, soon after");
    if (first.peak_bytes < process_before.peak_bytes || last.peak_bytes < first.peak_bytes)
        fail("the peak of the process is lower than before");
    expect_no_less(&retired_last, &retired_first, "the retired");
    process_before = last;

    /*
     * A slot that retires in the meantime may be missing in the sum with the first retired total, and may be counted
     * twice in the sum with the last one; never the other way round.
     */
    add(&retired_first, &slots);
    expect_no_less(&last, &retired_first, "the process, compared with retired and slots");
    add(&retired_last, &slots);
    expect_no_less(&retired_last, &first, "slots and retired, compared with the process");
    readings++;
}

/* ---- at rest ---- */

static struct tm_slot listed[MOST_SLOTS];
static bool is_listed[MOST_SLOTS];
static size_t listed_count;

static int list(const struct tm_slot *slot, void *arg)
{
    (void)arg;
    expect_sane(&slot->totals, "a slot");
    if (tm_live_bytes(&slot->totals) > slot->totals.peak_bytes ||
        slot->totals.peak_bytes > slot->totals.allocated_bytes)
        fail("slot %u has more than its peak, or a peak above what it ever allocated", slot->slot);
    if (slot->slot < SHARED_SLOTS) {
        expect_equal(&slot->totals, &(struct tm_totals){0}, "shared slot", slot->slot);
        return 0;
    }
    listed[slot->slot] = *slot;
    is_listed[slot->slot] = true;
    listed_count++;
    if (slot->slot > latest.highest_slot)
        latest.highest_slot = slot->slot;
    return 0;
}

static void check_owner(const struct ledger *ledger, bool alive)
{
    struct tm_totals expected = totals_of(ledger);
    const struct tm_slot *slot = &listed[ledger->slot];
    if (!is_listed[ledger->slot] || slot->generation != ledger->generation)
        fail("slot %u of thread %d is not listed", ledger->slot, (int)ledger->tid);
    expect_equal(&slot->totals, &expected, "slot", ledger->slot);
    if (slot->tid != ledger->tid || slot->state != (alive ? TM_LIVE : TM_ORPHAN))
        fail("slot %u: thread %d, state %d; should be thread %d, %s", slot->slot, (int)slot->tid, (int)slot->state,
             (int)ledger->tid, alive ? "alive" : "an orphan");
}

void check_at_rest(bool alone, uint64_t foreign_frees, uint64_t foreign_reallocs)
{
    struct tm_totals process, retired, all = {0};
    size_t owners = 0;
    memset(is_listed, 0, sizeof is_listed);
    listed_count = 0;
    latest.orphans = 0;
    tm_each_slot(list, NULL);

    for (struct ledger **at = &in_use, *ledger; (ledger = *at);) {
        struct tm_totals expected = totals_of(ledger);
        bool alive = !alone && !ledger->joined;
        if (alive || tm_live_blocks(&expected) > 0) {
            check_owner(ledger, alive);
            add(&all, &expected);
            owners++;
            latest.orphans += !alive;
            at = &ledger->next;
            continue;
        }
        if (is_listed[ledger->slot] && listed[ledger->slot].generation == ledger->generation)
            fail("slot %u of thread %d is listed, but owns nothing", ledger->slot, (int)ledger->tid);
        add(&retired_sum, &expected);
        *at = ledger->next;
        ledger->next = spare;
        spare = ledger;
    }
    if (listed_count != owners)
        fail("%zu slots are listed, and there are %zu owners", listed_count, owners);
    add(&all, &retired_sum);

    tm_retired_totals(&retired);
    expect_equal(&retired, &retired_sum, "the retired", 0);
    tm_process_totals(&process);
    expect_equal(&process, &all, "the process", 0);
    if (tm_live_bytes(&process) > process.peak_bytes)
        fail("the process has more than its peak");

    struct tm_cross_allocator_calls cross_allocator_calls;
    tm_process_cross_allocator_calls(&cross_allocator_calls);
    if (cross_allocator_calls.foreign_frees != foreign_frees ||
        cross_allocator_calls.foreign_reallocs != foreign_reallocs)
        fail("the counts of foreign frees and reallocs are wrong");
    latest.live_bytes = tm_live_bytes(&process);
    latest.live_blocks = tm_live_blocks(&process);
    latest.rests++;
}

void check_nothing_lives(void)
{
    struct tm_totals process;
    tm_process_totals(&process);
    if (tm_live_bytes(&process) != 0 || tm_live_blocks(&process) != 0 || listed_count != 0)
        fail("%llu bytes are live after all was freed, in %zu slots", (unsigned long long)tm_live_bytes(&process),
             listed_count);
}

struct rest last_rest(void)
{
    latest.readings = readings;
    return latest;
}

/* ---- in a child ---- */

static int add_slot(const struct tm_slot *slot, void *arg)
{
    expect_sane(&slot->totals, "a slot in a child");
    if (slot->state == TM_LIVE && slot->tid != gettid())
        fail("thread %d is alive in a child", (int)slot->tid);
    add(arg, &slot->totals);
    return 0;
}

void check_slots_make_process(void)
{
    struct tm_totals process, sum;
    tm_retired_totals(&sum);
    tm_each_slot(add_slot, &sum);
    tm_process_totals(&process);
    expect_equal(&sum, &process, "slots and retired, compared with the process in a child", 0);
}

void check_survivor(const struct ledger *survivor, int workers)
{
    struct tm_totals actual, expected = totals_of(survivor);
    tm_thread_totals(&actual);
    /* Other threads free a block first and credit the ledger then, so for each thread it may miss one block. */
    uint64_t more = actual.remote_frees_received_blocks - expected.remote_frees_received_blocks;
    uint64_t more_bytes = actual.remote_frees_received_bytes - expected.remote_frees_received_bytes;
    if (more > (uint64_t)workers || more_bytes > (uint64_t)workers * (5 << 20))
        fail("in a child, remote frees are %llu blocks, %llu bytes more than in the ledger", (unsigned long long)more,
             (unsigned long long)more_bytes);
    expected.remote_frees_received_blocks += more;
    expected.freed_blocks += more;
    expected.remote_frees_received_bytes += more_bytes;
    expected.freed_bytes += more_bytes;
    expect_equal(&actual, &expected, "a child's thread", survivor->slot);
}
