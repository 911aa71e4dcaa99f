/* SPDX-License-Identifier: BSD-3-Clause */
/* Compares the library's totals with the ledger's. */
#define _GNU_SOURCE
#include "ledger_state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void expect_same(const char *whose, long number, const struct tm_totals *actual,
                        const struct tm_totals *expected, bool peak_too)
{
    unsigned long long values[2];
    const char *counter = differing_counter(actual, expected, values);
    EXPECT(!counter, "%s %ld: %s is %llu, not %llu", whose, number, counter, values[0], values[1]);
    EXPECT(!peak_too || actual->peak_bytes == expected->peak_bytes, "%s %ld: peak_bytes is %llu, not %llu", whose,
           number, (unsigned long long)actual->peak_bytes, (unsigned long long)expected->peak_bytes);
}

static void compare_sums(void)
{
    struct tm_totals actual, expected = ledger_sum(NULL, ANY_TAG);
    add_counters(&expected, &ledger.retired);
    tm_process_totals(&actual);
    expect_same("process", 0, &actual, &expected, false);
    EXPECT(actual.peak_bytes >= ledger.process_peak, "the process's peak is %llu, and must be at least %llu",
           (unsigned long long)actual.peak_bytes, (unsigned long long)ledger.process_peak);
    tm_retired_totals(&actual);
    expect_same("retired", 0, &actual, &ledger.retired, false);

    struct tm_cross_allocator_calls cross_allocator_calls;
    tm_process_cross_allocator_calls(&cross_allocator_calls);
    EXPECT(cross_allocator_calls.foreign_frees == ledger_cross_allocator_calls.foreign_frees,
           "foreign frees are %llu, not %llu", (unsigned long long)cross_allocator_calls.foreign_frees,
           (unsigned long long)ledger_cross_allocator_calls.foreign_frees);
    EXPECT(cross_allocator_calls.foreign_reallocs == ledger_cross_allocator_calls.foreign_reallocs,
           "foreign reallocs are %llu, not %llu", (unsigned long long)cross_allocator_calls.foreign_reallocs,
           (unsigned long long)ledger_cross_allocator_calls.foreign_reallocs);
    EXPECT(cross_allocator_calls.errors_reported == ledger_cross_allocator_calls.errors_reported,
           "errors reported are %llu, not %llu", (unsigned long long)cross_allocator_calls.errors_reported,
           (unsigned long long)ledger_cross_allocator_calls.errors_reported);
    EXPECT(cross_allocator_calls.intercepted_frees == 0 && cross_allocator_calls.intercepted_reallocs == 0,
           "calls were intercepted without an interposer");
}

static bool lives(const struct thread *thread)
{
    for (int i = FIRST_OWN; i < ACCOUNTS; i++)
        if (ledger.accounts[i].in_use && ledger.accounts[i].thread == thread)
            return ledger.accounts[i].state == TM_LIVE;
    return false;
}

/* Of a thread that has exited, only the accounts that are not closed count, and the peak of its whole life. */
static void compare_threads(void)
{
    struct tm_totals actual;
    for (const struct thread *thread = ledger.threads; thread < ledger.threads + ACCOUNTS; thread++) {
        if (thread->tid == 0)
            continue;
        struct tm_totals expected = thread->totals;
        if (!lives(thread)) {
            expected = ledger_sum(thread, ANY_TAG);
            expected.peak_bytes = thread->totals.peak_bytes;
        }
        int error = tm_thread_totals_of(thread->tid, &actual);
        EXPECT(error == 0, "thread %d is not known: %d", thread->tid, error);
        expect_same("thread", thread->tid, &actual, &expected, true);
    }
    for (unsigned i = 0; i < ledger.exited_count && i < EXITED; i++)
        EXPECT(tm_thread_totals_of(ledger.exited[i], &actual) == -ESRCH,
               "thread %d has exited and owns nothing, but has totals", ledger.exited[i]);
}

static void compare_tags(void)
{
    for (const struct tag *tag = ledger.tags; tag < ledger.tags + TAGS && tag->number != 0; tag++) {
        struct tm_totals actual, expected = ledger_sum(NULL, tag->number);
        add_counters(&expected, &tag->closed_accounts);
        int error = tm_tag_totals(tag->number, &actual), expected_error = ledger_tag_lives(tag) ? 0 : -EINVAL;
        EXPECT(error == expected_error, "totals of tag %d: %d, not %d", tag->number, error, expected_error);
        if (error == 0)
            expect_same("tag", tag->number, &actual, &expected, false);
    }
}

void ledger_compare(void)
{
    static const struct tm_totals nothing;
    struct tm_totals actual;
    tm_thread_totals(&actual);
    const struct tm_totals *expected = caller.thread    ? &caller.thread->totals
                                       : caller.account ? &caller.account->totals
                                                        : &nothing;
    expect_same("calling thread", gettid(), &actual, expected, true);
    EXPECT(tm_tag_current() == caller.tag, "the thread is in tag %d, not %d", tm_tag_current(), caller.tag);
    compare_threads();
    compare_tags();
    compare_sums();
}

/* The account that belongs to a slot. A tid identifies a thread: within one input the kernel does not reuse it. */
static struct account *account_of(const struct tm_slot *slot)
{
    if (slot->state == TM_LATE || slot->state == TM_OVERFLOW)
        return &ledger.accounts[slot->state == TM_LATE ? LATE : OVERFLOW];
    for (int i = FIRST_OWN; i < ACCOUNTS; i++) {
        struct account *account = &ledger.accounts[i];
        if (account->in_use && !account->spare && account->thread->tid == slot->tid && account->tag == slot->tag)
            return account;
    }
    fail("slot %u is of thread %d in tag %d, which has no account", slot->slot, slot->tid, slot->tag);
}

static int compare_slot(const struct tm_slot *slot, void *arg)
{
    const struct account *account = account_of(slot);
    const char *name = account->thread ? account->thread->name : "";
    uint64_t peak = account->thread ? account->thread->totals.peak_bytes : account->totals.peak_bytes;
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
    size_t expected = 0, visited = 0, compared = 0;
    for (int i = 0; i < ACCOUNTS; i++)
        expected += ledger.accounts[i].in_use && !ledger.accounts[i].spare;
    EXPECT(tm_each_slot(compare_slot, &visited) == 0, "tm_each_slot() ended early");
    EXPECT(visited == expected, "%zu slots were visited, not %zu", visited, expected);

    struct tm_slot slots[ACCOUNTS];
    size_t count = tm_snapshot(slots, ACCOUNTS);
    EXPECT(count == expected, "the snapshot has %zu slots, not %zu", count, expected);
    for (size_t i = 0; i < count; i++)
        compare_slot(&slots[i], &compared);
    EXPECT(tm_snapshot(NULL, 0) == expected, "a snapshot into no array gives another count");
}

void ledger_expect_nothing(void)
{
    ledger_compare();
    ledger_compare_slots();
    struct tm_totals sum = ledger_sum(NULL, ANY_TAG);
    EXPECT(tm_live_blocks(&sum) == 0 && tm_live_bytes(&sum) == 0, "%llu blocks are left",
           (unsigned long long)tm_live_blocks(&sum));
    for (int i = FIRST_OWN; i < ACCOUNTS; i++)
        EXPECT(!ledger.accounts[i].in_use, "thread %d is left", ledger.accounts[i].thread->tid);
    for (const struct tag *tag = ledger.tags; tag < ledger.tags + TAGS; tag++)
        EXPECT(tag->number == TM_TAG_OTHER || !ledger_tag_lives(tag), "tag %d is left", tag->number);
    ledger.exited_count = 0; /* the kernel may reuse these tids for threads of the next input */
}
