/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "ledger.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct account {
    bool in_use;
    enum tm_slot_state state;
    pid_t tid;
    char name[16];
    struct tm_totals totals;
};

/* As many as the table has slots, so a thread finds none just when the library's has no slot. */
enum { LATE, OVERFLOW, FIRST_OWN, ACCOUNTS = FUZZ_TABLE_SLOTS };
static struct account accounts[ACCOUNTS] = {
    [LATE] = {.in_use = true, .state = TM_LATE},
    [OVERFLOW] = {.in_use = true, .state = TM_OVERFLOW},
};

static _Thread_local struct account *mine;
static struct tm_totals retired; /* peak_bytes is not kept: there the library only promises a bound */
static uint64_t process_peak;
static pid_t gone[256]; /* some threads of which nothing is left */
static unsigned gone_count;

struct tm_crossings ledger_crossings;

void fail(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    dprintf(STDERR_FILENO, "fuzz: %s\n", line);
    abort();
}

static void add(struct tm_totals *sum, const struct tm_totals *more)
{
    sum->allocated_bytes += more->allocated_bytes;
    sum->allocated_blocks += more->allocated_blocks;
    sum->freed_bytes += more->freed_bytes;
    sum->freed_blocks += more->freed_blocks;
    sum->freed_by_others_bytes += more->freed_by_others_bytes;
    sum->freed_by_others_blocks += more->freed_by_others_blocks;
    sum->freed_of_others_bytes += more->freed_of_others_bytes;
}

static struct tm_totals sum_of_all(void)
{
    struct tm_totals sum = retired;
    for (int i = 0; i < ACCOUNTS; i++)
        if (accounts[i].in_use)
            add(&sum, &accounts[i].totals);
    return sum;
}

static struct account *attach(void)
{
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        if (accounts[i].in_use)
            continue;
        accounts[i] = (struct account){.in_use = true, .state = TM_LIVE, .tid = gettid()};
        pthread_getname_np(pthread_self(), accounts[i].name, sizeof accounts[i].name);
        return &accounts[i];
    }
    return &accounts[OVERFLOW];
}

static void retire_if_empty(struct account *account)
{
    if (account->state != TM_ORPHAN || tm_live_blocks(&account->totals) != 0)
        return;
    add(&retired, &account->totals);
    account->in_use = false;
    gone[gone_count++ % (sizeof gone / sizeof gone[0])] = account->tid;
}

bool ledger_knows_me(void)
{
    return mine != NULL;
}

struct account *ledger_charge(size_t size)
{
    if (!mine)
        mine = attach();
    struct tm_totals *totals = &mine->totals;
    totals->allocated_bytes += size;
    totals->allocated_blocks++;
    if (tm_live_bytes(totals) > totals->peak_bytes)
        totals->peak_bytes = tm_live_bytes(totals);
    struct tm_totals sum = sum_of_all();
    if (tm_live_bytes(&sum) > process_peak)
        process_peak = tm_live_bytes(&sum);
    return mine;
}

void ledger_credit(struct account *owner, size_t size)
{
    owner->totals.freed_bytes += size;
    owner->totals.freed_blocks++;
    bool others = owner != mine;
    if (others) {
        owner->totals.freed_by_others_bytes += size;
        owner->totals.freed_by_others_blocks++;
    }
    retire_if_empty(owner);
    if (others && !mine)
        mine = attach();
    if (others)
        mine->totals.freed_of_others_bytes += size;
}

void ledger_leave(void)
{
    if (!mine || mine->state != TM_LIVE)
        return;
    mine->state = TM_ORPHAN;
    retire_if_empty(mine);
    mine = &accounts[LATE];
}

void ledger_after_fork(void)
{
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        struct account *account = &accounts[i];
        if (!account->in_use)
            continue;
        if (account == mine)
            account->tid = gettid();
        else
            account->state = TM_ORPHAN;
        retire_if_empty(account);
    }
}

static void expect_same(const char *whose, long number, const struct tm_totals *said, const struct tm_totals *right,
                        bool peak_too)
{
    const struct {
        const char *what;
        uint64_t said, right;
    } lines[] = {
        {"allocated bytes", said->allocated_bytes, right->allocated_bytes},
        {"allocated blocks", said->allocated_blocks, right->allocated_blocks},
        {"freed bytes", said->freed_bytes, right->freed_bytes},
        {"freed blocks", said->freed_blocks, right->freed_blocks},
        {"bytes freed by others", said->freed_by_others_bytes, right->freed_by_others_bytes},
        {"blocks freed by others", said->freed_by_others_blocks, right->freed_by_others_blocks},
        {"bytes freed of others", said->freed_of_others_bytes, right->freed_of_others_bytes},
        {"peak", peak_too ? said->peak_bytes : 0, peak_too ? right->peak_bytes : 0},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        EXPECT(lines[i].said == lines[i].right, "%s %ld: %s are %llu, not %llu", whose, number, lines[i].what,
               (unsigned long long)lines[i].said, (unsigned long long)lines[i].right);
}

static void compare_sums(void)
{
    struct tm_totals said, right = sum_of_all();
    tm_process_totals(&said);
    expect_same("process", 0, &said, &right, false);
    EXPECT(said.peak_bytes >= process_peak, "the process's peak is %llu, at least %llu is right",
           (unsigned long long)said.peak_bytes, (unsigned long long)process_peak);
    tm_retired_totals(&said);
    expect_same("retired", 0, &said, &retired, false);

    struct tm_crossings crossings;
    tm_process_crossings(&crossings);
    EXPECT(crossings.foreign_frees == ledger_crossings.foreign_frees, "foreign frees are %llu, not %llu",
           (unsigned long long)crossings.foreign_frees, (unsigned long long)ledger_crossings.foreign_frees);
    EXPECT(crossings.foreign_reallocs == ledger_crossings.foreign_reallocs, "foreign reallocs are %llu, not %llu",
           (unsigned long long)crossings.foreign_reallocs, (unsigned long long)ledger_crossings.foreign_reallocs);
    EXPECT(crossings.misuses_told == ledger_crossings.misuses_told, "misuses told are %llu, not %llu",
           (unsigned long long)crossings.misuses_told, (unsigned long long)ledger_crossings.misuses_told);
    EXPECT(crossings.caught_frees == 0 && crossings.caught_reallocs == 0, "blocks were caught without a net");
}

void ledger_compare(void)
{
    static const struct tm_totals nothing;
    struct tm_totals said;
    tm_thread_totals(&said);
    expect_same("calling thread", gettid(), &said, mine ? &mine->totals : &nothing, true);
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        if (!accounts[i].in_use)
            continue;
        int error = tm_thread_totals_of(accounts[i].tid, &said);
        EXPECT(error == 0, "thread %d is not known: %d", accounts[i].tid, error);
        expect_same("thread", accounts[i].tid, &said, &accounts[i].totals, true);
    }
    for (unsigned i = 0; i < gone_count && i < sizeof gone / sizeof gone[0]; i++)
        EXPECT(tm_thread_totals_of(gone[i], &said) == -ESRCH, "thread %d is gone, and has totals", gone[i]);
    compare_sums();
}

/* The account that a slot is of. A tid names one thread: within one input the kernel does not come to use it again. */
static struct account *account_of(const struct tm_slot *slot)
{
    if (slot->state == TM_LATE || slot->state == TM_OVERFLOW)
        return &accounts[slot->state == TM_LATE ? LATE : OVERFLOW];
    for (int i = FIRST_OWN; i < ACCOUNTS; i++)
        if (accounts[i].in_use && accounts[i].tid == slot->tid)
            return &accounts[i];
    fail("slot %u is of thread %d, which has none", slot->slot, slot->tid);
}

static int compare_slot(const struct tm_slot *slot, void *arg)
{
    const struct account *account = account_of(slot);
    EXPECT(slot->state == account->state, "thread %d is in state %d, not %d", slot->tid, slot->state, account->state);
    EXPECT(memcmp(slot->name, account->name, sizeof slot->name) == 0, "thread %d is \"%.16s\", not \"%.16s\"",
           slot->tid, slot->name, account->name);
    expect_same("slot of thread", slot->tid, &slot->totals, &account->totals, true);
    ++*(size_t *)arg;
    return 0;
}

void ledger_compare_slots(void)
{
    size_t right = 0, visited = 0, compared = 0;
    for (int i = 0; i < ACCOUNTS; i++)
        right += accounts[i].in_use;
    EXPECT(tm_each_slot(compare_slot, &visited) == 0, "tm_each_slot() ended early");
    EXPECT(visited == right, "%zu slots were visited, not %zu", visited, right);

    struct tm_slot slots[ACCOUNTS];
    size_t count = tm_snapshot(slots, ACCOUNTS);
    EXPECT(count == right, "the snapshot has %zu slots, not %zu", count, right);
    for (size_t i = 0; i < count; i++)
        compare_slot(&slots[i], &compared);
    EXPECT(tm_snapshot(NULL, 0) == right, "a snapshot into nothing counts otherwise");
}

void ledger_expect_nothing(void)
{
    ledger_compare();
    ledger_compare_slots();
    struct tm_totals sum = sum_of_all();
    EXPECT(tm_live_blocks(&sum) == 0 && tm_live_bytes(&sum) == 0, "%llu blocks are left",
           (unsigned long long)tm_live_blocks(&sum));
    for (int i = FIRST_OWN; i < ACCOUNTS; i++)
        EXPECT(!accounts[i].in_use, "thread %d is left", accounts[i].tid);
    gone_count = 0; /* the kernel may give these numbers to the next input's threads */
}
