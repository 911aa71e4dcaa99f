/* SPDX-License-Identifier: BSD-3-Clause */
/* What the library says, beside what the ledger does. */
#define _GNU_SOURCE
#include "ledger_books.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void expect_same(const char *whose, long number, const struct tm_totals *said, const struct tm_totals *right,
                        bool peak_too)
{
    unsigned long long values[2];
    const char *counter = differing_counter(said, right, values);
    EXPECT(!counter, "%s %ld: %s is %llu, not %llu", whose, number, counter, values[0], values[1]);
    EXPECT(!peak_too || said->peak_bytes == right->peak_bytes, "%s %ld: peak_bytes is %llu, not %llu", whose, number,
           (unsigned long long)said->peak_bytes, (unsigned long long)right->peak_bytes);
}

static void compare_sums(void)
{
    struct tm_totals said, right = ledger_sum(NULL, ANY_TAG);
    add_counters(&right, &books.retired);
    tm_process_totals(&said);
    expect_same("process", 0, &said, &right, false);
    EXPECT(said.peak_bytes >= books.process_peak, "the process's peak is %llu, at least %llu is right",
           (unsigned long long)said.peak_bytes, (unsigned long long)books.process_peak);
    tm_retired_totals(&said);
    expect_same("retired", 0, &said, &books.retired, false);

    struct tm_cross_allocator_calls cross_allocator_calls;
    tm_process_cross_allocator_calls(&cross_allocator_calls);
    EXPECT(cross_allocator_calls.foreign_frees == ledger_crossings.foreign_frees, "foreign frees are %llu, not %llu",
           (unsigned long long)cross_allocator_calls.foreign_frees, (unsigned long long)ledger_crossings.foreign_frees);
    EXPECT(cross_allocator_calls.foreign_reallocs == ledger_crossings.foreign_reallocs,
           "foreign reallocs are %llu, not %llu", (unsigned long long)cross_allocator_calls.foreign_reallocs,
           (unsigned long long)ledger_crossings.foreign_reallocs);
    EXPECT(cross_allocator_calls.errors_reported == ledger_crossings.errors_reported,
           "errors reported are %llu, not %llu", (unsigned long long)cross_allocator_calls.errors_reported,
           (unsigned long long)ledger_crossings.errors_reported);
    EXPECT(cross_allocator_calls.intercepted_frees == 0 && cross_allocator_calls.intercepted_reallocs == 0,
           "blocks were caught without a net");
}

static bool lives(const struct person *person)
{
    for (int i = FIRST_OWN; i < ACCOUNTS; i++)
        if (books.accounts[i].in_use && books.accounts[i].person == person)
            return books.accounts[i].state == TM_LIVE;
    return false;
}

/* Of a thread that has exited, what is on record; and the peak that it had. */
static void compare_persons(void)
{
    struct tm_totals said;
    for (const struct person *person = books.persons; person < books.persons + ACCOUNTS; person++) {
        if (person->tid == 0)
            continue;
        struct tm_totals right = person->totals;
        if (!lives(person)) {
            right = ledger_sum(person, ANY_TAG);
            right.peak_bytes = person->totals.peak_bytes;
        }
        int error = tm_thread_totals_of(person->tid, &said);
        EXPECT(error == 0, "thread %d is not known: %d", person->tid, error);
        expect_same("thread", person->tid, &said, &right, true);
    }
    for (unsigned i = 0; i < books.gone_count && i < GONE; i++)
        EXPECT(tm_thread_totals_of(books.gone[i], &said) == -ESRCH, "thread %d is gone, and has totals", books.gone[i]);
}

static void compare_tags(void)
{
    for (const struct tag *tag = books.tags; tag < books.tags + TAGS && tag->number != 0; tag++) {
        struct tm_totals said, right = ledger_sum(NULL, tag->number);
        add_counters(&right, &tag->gone);
        int error = tm_tag_totals(tag->number, &said), expected = ledger_tag_lives(tag) ? 0 : -EINVAL;
        EXPECT(error == expected, "totals of tag %d: %d, not %d", tag->number, error, expected);
        if (error == 0)
            expect_same("tag", tag->number, &said, &right, false);
    }
}

void ledger_compare(void)
{
    static const struct tm_totals nothing;
    struct tm_totals said;
    tm_thread_totals(&said);
    const struct tm_totals *right = caller.person    ? &caller.person->totals
                                    : caller.account ? &caller.account->totals
                                                     : &nothing;
    expect_same("calling thread", gettid(), &said, right, true);
    EXPECT(tm_tag_current() == caller.tag, "the thread is in tag %d, not %d", tm_tag_current(), caller.tag);
    compare_persons();
    compare_tags();
    compare_sums();
}

/* The account that a slot is of. A tid names one thread: within one input the kernel does not come to use it again. */
static struct account *account_of(const struct tm_slot *slot)
{
    if (slot->state == TM_LATE || slot->state == TM_OVERFLOW)
        return &books.accounts[slot->state == TM_LATE ? LATE : OVERFLOW];
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        struct account *account = &books.accounts[i];
        if (account->in_use && !account->spare && account->person->tid == slot->tid && account->tag == slot->tag)
            return account;
    }
    fail("slot %u is of thread %d in tag %d, which has none", slot->slot, slot->tid, slot->tag);
}

static int compare_slot(const struct tm_slot *slot, void *arg)
{
    const struct account *account = account_of(slot);
    const char *name = account->person ? account->person->name : "";
    uint64_t peak = account->person ? account->person->totals.peak_bytes : account->totals.peak_bytes;
    EXPECT(slot->state == account->state, "thread %d is in state %d, not %d", slot->tid, slot->state, account->state);
    EXPECT(strncmp(slot->name, name, sizeof slot->name) == 0, "thread %d is \"%.16s\", not \"%.16s\"", slot->tid,
           slot->name, name);
    EXPECT(slot->thread_peak_bytes == peak, "thread %d has a peak of %llu, not %llu", slot->tid,
           (unsigned long long)slot->thread_peak_bytes, (unsigned long long)peak);
    expect_same("slot of thread", slot->tid, &slot->totals, &account->totals, true);
    ++*(size_t *)arg;
    return 0;
}

void ledger_compare_slots(void)
{
    size_t right = 0, visited = 0, compared = 0;
    for (int i = 0; i < ACCOUNTS; i++)
        right += books.accounts[i].in_use && !books.accounts[i].spare;
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
    struct tm_totals sum = ledger_sum(NULL, ANY_TAG);
    EXPECT(tm_live_blocks(&sum) == 0 && tm_live_bytes(&sum) == 0, "%llu blocks are left",
           (unsigned long long)tm_live_blocks(&sum));
    for (int i = FIRST_OWN; i < ACCOUNTS; i++)
        EXPECT(!books.accounts[i].in_use, "thread %d is left", books.accounts[i].person->tid);
    for (const struct tag *tag = books.tags; tag < books.tags + TAGS; tag++)
        EXPECT(tag->number == TM_TAG_OTHER || !ledger_tag_lives(tag), "tag %d is left", tag->number);
    books.gone_count = 0; /* the kernel may give these numbers to the next input's threads */
}
