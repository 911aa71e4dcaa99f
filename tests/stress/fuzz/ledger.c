/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "ledger_state.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ledger ledger = {
    .accounts = {[LATE] = {.in_use = true, .state = TM_LATE}, [OVERFLOW] = {.in_use = true, .state = TM_OVERFLOW}},
    .tags = {{.number = TM_TAG_OTHER, .openings = 1}},
};
_Thread_local struct caller caller;
struct tm_cross_allocator_calls ledger_cross_allocator_calls;

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

struct tm_totals ledger_sum(const struct thread *thread, tm_tag tag)
{
    struct tm_totals sum = {0};
    for (int i = 0; i < ACCOUNTS; i++) {
        const struct account *account = &ledger.accounts[i];
        if (account->in_use && (!thread || account->thread == thread) && (tag == ANY_TAG || account->tag == tag))
            add_counters(&sum, &account->totals);
    }
    return sum;
}

/* ---- tags ---- */

struct tag *ledger_tag(tm_tag number)
{
    for (int i = 0; number > 0 && i < TAGS; i++)
        if (ledger.tags[i].number == number)
            return &ledger.tags[i];
    return NULL;
}

bool ledger_tag_lives(const struct tag *tag)
{
    for (int i = FIRST_OWN; i < ACCOUNTS && tag->openings == 0 && tag->number != 0; i++)
        if (ledger.accounts[i].in_use && ledger.accounts[i].tag == tag->number)
            return true;
    return tag->openings > 0;
}

bool ledger_tag_is_open(tm_tag number)
{
    const struct tag *tag = ledger_tag(number);
    return tag && tag->openings > 0;
}

void ledger_open_tag(tm_tag number, unsigned name)
{
    struct tag *place = NULL;
    for (struct tag *tag = ledger.tags; tag < ledger.tags + TAGS; tag++) {
        if (tag->openings > 0 && tag->number != TM_TAG_OTHER && tag->name == name) {
            EXPECT(tag->number == number, "tag %u is %d, and %d", name, tag->number, number);
            tag->openings++;
            return;
        }
        if (!place && !ledger_tag_lives(tag))
            place = tag;
    }
    EXPECT(number > TM_TAG_OTHER && !ledger_tag(number), "a new tag is %d", number);
    EXPECT(place, "more tags than the ledger has room for");
    *place = (struct tag){.number = number, .name = name, .openings = 1};
}

int ledger_close_tag(tm_tag number)
{
    struct tag *tag = ledger_tag(number);
    if (number == TM_TAG_OTHER)
        return 0;
    if (!tag || tag->openings == 0)
        return -EINVAL;
    tag->openings--;
    return 0;
}

tm_tag ledger_any_tag(unsigned which)
{
    return ledger.tags[which % TAGS].number;
}

void ledger_close_all_tags(void)
{
    for (struct tag *tag = ledger.tags; tag < ledger.tags + TAGS; tag++)
        while (tag->number != TM_TAG_OTHER && tag->openings > 0) {
            tag->openings--;
            EXPECT(tm_tag_close(tag->number) == 0, "tag %d cannot be closed", tag->number);
        }
}

/* ---- accounts ---- */

static void retire_totals(struct account *account)
{
    struct tag *tag = ledger_tag(account->tag);
    if (tag)
        add_counters(&tag->closed_accounts, &account->totals);
    add_counters(&ledger.retired, &account->totals);
    account->totals = (struct tm_totals){0};
    account->tag = 0;
}

static struct account *open_account(struct thread *thread)
{
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        if (ledger.accounts[i].in_use || ledger.accounts[i].waits)
            continue;
        ledger.accounts[i] = (struct account){.in_use = true, .state = TM_LIVE, .thread = thread};
        return &ledger.accounts[i];
    }
    return NULL;
}

static void close_account(struct account *account)
{
    struct thread *thread = account->thread;
    retire_totals(account);
    account->in_use = false;
    for (int i = FIRST_OWN; i < ACCOUNTS; i++)
        if (ledger.accounts[i].in_use && ledger.accounts[i].thread == thread) {
            account->waits = account->is_home;
            return;
        }
    for (int i = FIRST_OWN; i < ACCOUNTS; i++)
        if (ledger.accounts[i].thread == thread)
            ledger.accounts[i].waits = false;
    ledger.exited[ledger.exited_count++ % EXITED] = thread->tid;
    thread->tid = 0;
}

static void open_first_account(void)
{
    struct thread *thread = ledger.threads;
    while (thread->tid != 0) /* this ends, because there are as many threads as accounts */
        thread++;
    caller.account = open_account(thread);
    if (!caller.account) {
        caller.account = &ledger.accounts[OVERFLOW];
        return;
    }
    caller.thread = thread;
    caller.home = caller.account;
    caller.home->is_home = true;
    *thread = (struct thread){.tid = gettid()};
    pthread_getname_np(pthread_self(), thread->name, sizeof thread->name);
}

static void retire_if_empty(struct account *account)
{
    if (account->state == TM_ORPHAN && tm_live_blocks(&account->totals) == 0)
        close_account(account);
}

static void orphan(struct account *account)
{
    account->state = TM_ORPHAN;
    retire_if_empty(account);
}

bool ledger_is_attached(void)
{
    return caller.account != NULL;
}

void ledger_attach(void)
{
    if (!caller.account)
        open_first_account();
}

static void raise_peak(struct tm_totals *totals)
{
    if (tm_live_bytes(totals) > totals->peak_bytes)
        totals->peak_bytes = tm_live_bytes(totals);
}

struct account *ledger_charge(size_t size)
{
    ledger_attach();
    struct account *mine = caller.account;
    mine->totals.allocated_bytes += size;
    mine->totals.allocated_blocks++;
    raise_peak(&mine->totals);
    if (mine->thread) {
        mine->thread->totals.allocated_bytes += size;
        mine->thread->totals.allocated_blocks++;
        raise_peak(&mine->thread->totals);
    }
    struct tm_totals sum = ledger_sum(NULL, ANY_TAG);
    if (tm_live_bytes(&sum) > ledger.process_peak)
        ledger.process_peak = tm_live_bytes(&sum);
    return mine;
}

static void credit(struct tm_totals *totals, size_t size, bool others)
{
    totals->freed_bytes += size;
    totals->freed_blocks++;
    totals->remote_frees_received_bytes += others ? size : 0;
    totals->remote_frees_received_blocks += others;
}

void ledger_credit(struct account *owner, size_t size)
{
    bool others = owner->thread ? owner->thread != caller.thread : owner != caller.account;
    credit(&owner->totals, size, others);
    if (owner->thread)
        credit(&owner->thread->totals, size, others);
    retire_if_empty(owner);
    if (others && !caller.account)
        open_first_account();
    if (!others)
        return;
    caller.account->totals.remote_frees_made_bytes += size;
    if (caller.account->thread)
        caller.thread->totals.remote_frees_made_bytes += size;
}

struct account *ledger_realloc(const struct resized *resized)
{
    ledger_credit(resized->owner, resized->from_size);
    return ledger_charge(resized->to_size);
}

bool ledger_owns(const struct account *owner)
{
    return owner == caller.account && owner->thread;
}

bool ledger_has_own(void)
{
    return caller.thread != NULL;
}

bool ledger_charges_own(void)
{
    return caller.account && caller.account->thread;
}

uint64_t ledger_live_of_caller(void)
{
    return caller.thread ? tm_live_bytes(&caller.thread->totals) : 0;
}

uint64_t ledger_live_of_tag(tm_tag tag)
{
    struct tm_totals sum = ledger_sum(NULL, tag);
    return tm_live_bytes(&sum);
}

/* ---- entering tags, and exit ---- */

/* Makes the caller's empty accounts of ended tags spare, except for the one that it charges now. */
static void release_accounts_of_ended_tags(void)
{
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        struct account *account = &ledger.accounts[i];
        if (account->in_use && account->thread == caller.thread && account->tag != 0 && account != caller.account &&
            !ledger_tag_is_open(account->tag) && tm_live_blocks(&account->totals) == 0) {
            retire_totals(account);
            account->spare = true;
        }
    }
}

static struct account *account_for(tm_tag tag)
{
    struct account *spare = NULL;
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        struct account *account = &ledger.accounts[i];
        if (!account->in_use || account->thread != caller.thread)
            continue;
        if (!account->spare && account->tag == tag)
            return account;
        if (account->spare)
            spare = account;
    }
    if (!spare)
        spare = open_account(caller.thread);
    if (!spare)
        return &ledger.accounts[OVERFLOW];
    spare->spare = false;
    spare->tag = tag;
    return spare;
}

tm_tag ledger_enter(tm_tag tag)
{
    tm_tag previous = caller.tag;
    if (tag == previous)
        return previous;
    ledger_attach();
    if (caller.thread)
        release_accounts_of_ended_tags();
    if (tag != 0 && !ledger_tag_is_open(tag))
        return -EINVAL;
    caller.tag = tag;
    if (caller.thread)
        caller.account = tag == 0 ? caller.home : account_for(tag);
    return previous;
}

void ledger_leave(void)
{
    if (!caller.thread)
        return;
    struct thread *thread = caller.thread;
    caller.thread = NULL;
    caller.account = &ledger.accounts[LATE];
    for (int i = FIRST_OWN; i < ACCOUNTS; i++)
        if (ledger.accounts[i].in_use && ledger.accounts[i].thread == thread)
            orphan(&ledger.accounts[i]);
}

void ledger_after_fork(void)
{
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        struct account *account = &ledger.accounts[i];
        if (account->thread == caller.thread)
            continue;
        account->is_home = account->waits = false; /* no slot of a thread that is not here waits for others */
        if (account->in_use)
            orphan(account);
    }
    if (caller.thread)
        caller.thread->tid = gettid();
}
