/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "ledger_books.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct books books = {
    .accounts = {[LATE] = {.in_use = true, .state = TM_LATE}, [OVERFLOW] = {.in_use = true, .state = TM_OVERFLOW}},
    .tags = {{.number = TM_TAG_OTHER, .openings = 1}},
};
_Thread_local struct caller caller;
struct tm_cross_allocator_calls ledger_crossings;

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

struct tm_totals ledger_sum(const struct person *person, tm_tag tag)
{
    struct tm_totals sum = {0};
    for (int i = 0; i < ACCOUNTS; i++) {
        const struct account *account = &books.accounts[i];
        if (account->in_use && (!person || account->person == person) && (tag == ANY_TAG || account->tag == tag))
            add_counters(&sum, &account->totals);
    }
    return sum;
}

/* ---- tags ---- */

struct tag *ledger_tag(tm_tag number)
{
    for (int i = 0; number > 0 && i < TAGS; i++)
        if (books.tags[i].number == number)
            return &books.tags[i];
    return NULL;
}

bool ledger_tag_lives(const struct tag *tag)
{
    for (int i = FIRST_OWN; i < ACCOUNTS && tag->openings == 0 && tag->number != 0; i++)
        if (books.accounts[i].in_use && books.accounts[i].tag == tag->number)
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
    for (struct tag *tag = books.tags; tag < books.tags + TAGS; tag++) {
        if (tag->openings > 0 && tag->number != TM_TAG_OTHER && tag->name == name) {
            EXPECT(tag->number == number, "tag %u is %d, and %d", name, tag->number, number);
            tag->openings++;
            return;
        }
        if (!place && !ledger_tag_lives(tag))
            place = tag;
    }
    EXPECT(number > TM_TAG_OTHER && !ledger_tag(number), "a new tag is %d", number);
    EXPECT(place, "more tags than the harness knows");
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
    return books.tags[which % TAGS].number;
}

void ledger_close_all_tags(void)
{
    for (struct tag *tag = books.tags; tag < books.tags + TAGS; tag++)
        while (tag->number != TM_TAG_OTHER && tag->openings > 0) {
            tag->openings--;
            EXPECT(tm_tag_close(tag->number) == 0, "tag %d cannot be closed", tag->number);
        }
}

/* ---- accounts ---- */

static void settle(struct account *account)
{
    struct tag *tag = ledger_tag(account->tag);
    if (tag)
        add_counters(&tag->gone, &account->totals);
    add_counters(&books.retired, &account->totals);
    account->totals = (struct tm_totals){0};
    account->tag = 0;
}

static struct account *open_account(struct person *person)
{
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        if (books.accounts[i].in_use)
            continue;
        books.accounts[i] = (struct account){.in_use = true, .state = TM_LIVE, .person = person};
        return &books.accounts[i];
    }
    return NULL;
}

static void close_account(struct account *account)
{
    struct person *person = account->person;
    settle(account);
    account->in_use = false;
    for (int i = FIRST_OWN; i < ACCOUNTS; i++)
        if (books.accounts[i].in_use && books.accounts[i].person == person)
            return;
    books.gone[books.gone_count++ % GONE] = person->tid;
    person->tid = 0;
}

static void attach(void)
{
    struct person *person = books.persons;
    while (person->tid != 0) /* there are as many as accounts */
        person++;
    caller.account = open_account(person);
    if (!caller.account) {
        caller.account = &books.accounts[OVERFLOW];
        return;
    }
    caller.person = person;
    caller.home = caller.account;
    *person = (struct person){.tid = gettid()};
    pthread_getname_np(pthread_self(), person->name, sizeof person->name);
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

bool ledger_knows_me(void)
{
    return caller.account != NULL;
}

void ledger_attend(void)
{
    if (!caller.account)
        attach();
}

static void raise_peak(struct tm_totals *totals)
{
    if (tm_live_bytes(totals) > totals->peak_bytes)
        totals->peak_bytes = tm_live_bytes(totals);
}

struct account *ledger_charge(size_t size)
{
    ledger_attend();
    struct account *mine = caller.account;
    mine->totals.allocated_bytes += size;
    mine->totals.allocated_blocks++;
    raise_peak(&mine->totals);
    if (mine->person) {
        mine->person->totals.allocated_bytes += size;
        mine->person->totals.allocated_blocks++;
        raise_peak(&mine->person->totals);
    }
    struct tm_totals sum = ledger_sum(NULL, ANY_TAG);
    if (tm_live_bytes(&sum) > books.process_peak)
        books.process_peak = tm_live_bytes(&sum);
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
    bool others = owner->person ? owner->person != caller.person : owner != caller.account;
    credit(&owner->totals, size, others);
    if (owner->person)
        credit(&owner->person->totals, size, others);
    retire_if_empty(owner);
    if (others && !caller.account)
        attach();
    if (!others)
        return;
    caller.account->totals.remote_frees_made_bytes += size;
    if (caller.account->person)
        caller.person->totals.remote_frees_made_bytes += size;
}

bool ledger_owns(const struct account *owner)
{
    return owner == caller.account && owner->person;
}

bool ledger_has_own(void)
{
    return caller.person != NULL;
}

bool ledger_charges_own(void)
{
    return caller.account && caller.account->person;
}

uint64_t ledger_live_of_caller(void)
{
    return caller.person ? tm_live_bytes(&caller.person->totals) : 0;
}

uint64_t ledger_live_of_tag(tm_tag tag)
{
    struct tm_totals sum = ledger_sum(NULL, tag);
    return tm_live_bytes(&sum);
}

/* ---- a thread's life ---- */

/* What it had for tags that have ended, and is empty, is for the next; not where it is. */
static void look_for_ended(void)
{
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        struct account *account = &books.accounts[i];
        if (account->in_use && account->person == caller.person && account->tag != 0 && account != caller.account &&
            !ledger_tag_is_open(account->tag) && tm_live_blocks(&account->totals) == 0) {
            settle(account);
            account->spare = true;
        }
    }
}

static struct account *account_for(tm_tag tag)
{
    struct account *spare = NULL;
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        struct account *account = &books.accounts[i];
        if (!account->in_use || account->person != caller.person)
            continue;
        if (!account->spare && account->tag == tag)
            return account;
        if (account->spare)
            spare = account;
    }
    if (!spare)
        spare = open_account(caller.person);
    if (!spare)
        return &books.accounts[OVERFLOW];
    spare->spare = false;
    spare->tag = tag;
    return spare;
}

tm_tag ledger_enter(tm_tag tag)
{
    tm_tag previous = caller.tag;
    if (tag == previous)
        return previous;
    ledger_attend();
    if (caller.person)
        look_for_ended();
    if (tag != 0 && !ledger_tag_is_open(tag))
        return -EINVAL;
    caller.tag = tag;
    if (caller.person)
        caller.account = tag == 0 ? caller.home : account_for(tag);
    return previous;
}

void ledger_leave(void)
{
    if (!caller.person)
        return;
    struct person *person = caller.person;
    caller.person = NULL;
    caller.account = &books.accounts[LATE];
    for (int i = FIRST_OWN; i < ACCOUNTS; i++)
        if (books.accounts[i].in_use && books.accounts[i].person == person)
            orphan(&books.accounts[i]);
}

void ledger_after_fork(void)
{
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        struct account *account = &books.accounts[i];
        if (account->in_use && account->person != caller.person)
            orphan(account);
    }
    if (caller.person)
        caller.person->tid = gettid();
}
