/* SPDX-License-Identifier: BSD-3-Clause */
/* Tags, claims, limits and sections. A request that a limit refuses must change nothing. */
#define _GNU_SOURCE
#include "blocks.h"
#include "calls.h"
#include "input.h"

#include <errno.h>
#include <stdio.h>

#include <threadmeter/limits.h>
#include <threadmeter/malloc.h>

enum { NAMES = 6 };

void call_tag_open(void)
{
    unsigned which = take_byte() % NAMES;
    char name[16];
    snprintf(name, sizeof name, "tag %u", which);
    ledger_open_tag(tm_tag_open(name), which);
}

void call_tag_close(void)
{
    tm_tag tag = ledger_any_tag(take_byte() % 8);
    int expected = ledger_close_tag(tag), actual = tm_tag_close(tag);
    EXPECT(actual == expected, "closing tag %d: %d, not %d", tag, actual, expected);
}

/* Enters no tag, an invalid one, or one of the ledger. */
void call_tag_enter(void)
{
    uint8_t byte = take_byte();
    tm_tag tag = byte % 8 == 0 ? 0 : byte % 16 == 15 ? -5 : ledger_any_tag(byte / 16);
    set_errno();
    tm_tag actual = tm_tag_enter(tag), expected = ledger_enter(tag);
    expect_errno_untouched("tm_tag_enter");
    EXPECT(actual == expected, "entering tag %d: %d, not %d", tag, actual, expected);
}

void call_tag_leave(void)
{
    uint8_t byte = take_byte();
    tm_tag previous = byte % 4 == 0 ? 0 : byte % 16 == 15 ? -EINVAL : ledger_any_tag(byte / 16);
    tm_tag_leave(previous);
    if (previous >= 0 && ledger_enter(previous) < 0)
        ledger_enter(0);
}

void call_claim(void)
{
    struct block *block = take_place();
    bool ours = block->at && block->owner;
    set_errno();
    int actual = tm_claim(block->at);
    expect_errno_untouched("tm_claim");
    EXPECT(actual == (ours ? 0 : -EINVAL), "a claim gives %d", actual);
    if (!ours || ledger_owns(block->owner))
        return;
    ledger_credit(block->owner, block->size);
    block->owner = ledger_charge(block->size);
}

/* The caller is limited to `room` bytes more than it has: it gets exactly these, and not a byte more. */
static void press(struct block *block, size_t room)
{
    set_errno();
    void *at = tm_malloc(room + 1);
    EXPECT(!at && errno == ENOMEM, "malloc passes a limit: %p, errno %d", at, errno);
    set_errno();
    at = tm_memalign(256, room + 1);
    EXPECT(!at && errno == ENOMEM, "memalign passes a limit: %p, errno %d", at, errno);
    ledger_compare();
    keep(block, tm_malloc(room), room, 16);
    set_errno();
    at = tm_realloc(block->at, room + 1);
    EXPECT(!at && errno == ENOMEM, "realloc passes a limit: %p, errno %d", at, errno);
    expect_contents(block, block->at, block->size);
    ledger_compare();
}

void call_thread_limit(void)
{
    struct block *block = take_empty_place();
    size_t room = 1 + take_size();
    ledger_attach();
    int expected = ledger_has_own() ? 0 : -ENOMEM, actual = tm_thread_limit(ledger_live_of_caller() + room);
    EXPECT(actual == expected, "tm_thread_limit() gives %d, not %d", actual, expected);
    if (ledger_charges_own())
        press(block, room);
    EXPECT(tm_thread_limit(0) == expected, "a limit is not lifted");
}

void call_tag_limit(void)
{
    struct block *block = take_empty_place();
    size_t room = 1 + take_size();
    tm_tag tag = tm_tag_current();
    int expected = ledger_tag_is_open(tag) ? 0 : -EINVAL, actual = tm_tag_limit(tag, ledger_live_of_tag(tag) + room);
    EXPECT(actual == expected, "tm_tag_limit() of %d gives %d, not %d", tag, actual, expected);
    if (actual == 0 && ledger_charges_own())
        press(block, room);
    EXPECT(tm_tag_limit(tag, 0) == expected, "a limit is not lifted");
}

static unsigned called;
static uint64_t called_with;

static void count_call(uint64_t live, void *arg)
{
    EXPECT(arg == &called, "a callback gets %p", arg);
    called++;
    called_with = live;
}

/* A soft limit of the thread or of its tag calls once, when it is exceeded. */
void call_soft_limit(void)
{
    struct block *block = take_empty_place();
    size_t room = 1 + take_size();
    tm_tag tag = take_byte() % 2 ? tm_tag_current() : 0;
    ledger_attach();
    EXPECT(tm_thread_soft_limit(0, NULL, NULL) == (ledger_has_own() ? 0 : -ENOMEM), "no soft limit is not lifted");
    called = 0;
    if (!ledger_charges_own() || (tag != 0 && !ledger_tag_is_open(tag)))
        return;
    uint64_t limit = room + (tag ? ledger_live_of_tag(tag) : ledger_live_of_caller());
    int actual =
        tag ? tm_tag_soft_limit(tag, limit, count_call, &called) : tm_thread_soft_limit(limit, count_call, &called);
    EXPECT(actual == 0, "a soft limit gives %d", actual);
    keep(block, tm_malloc(room), room, 16);
    EXPECT(called == 0, "a soft limit calls before it is exceeded");
    resized(block, tm_realloc(block->at, room + 2), room + 2);
    EXPECT(called == 1 && called_with == limit + 2, "called %u times, with %llu bytes, not %llu", called,
           (unsigned long long)called_with, (unsigned long long)limit + 2);
    resized(block, tm_realloc(block->at, room + 3), room + 3);
    EXPECT(called == 1, "called %u times", called);
    actual = tag ? tm_tag_soft_limit(tag, 0, NULL, NULL) : tm_thread_soft_limit(0, NULL, NULL);
    EXPECT(actual == 0, "a soft limit is not lifted: %d", actual);
}

void call_section(void)
{
    struct block *block = take_empty_place();
    size_t first = take_size(), second = take_size();
    ledger_attach();
    struct tm_section section;
    struct tm_totals actual;
    int expected = ledger_has_own() ? 0 : -ENOMEM, begun = tm_section_begin(&section);
    EXPECT(begun == expected, "a section gives %d, not %d", begun, expected);
    if (begun != 0)
        return;
    keep(block, tm_malloc(first), first, 16);
    free_block(block);
    keep(block, tm_malloc(second), second, 16);
    EXPECT(tm_section_end(&section, &actual) == 0, "a section does not end");
    bool own = ledger_charges_own();
    EXPECT(actual.allocated_bytes == (own ? first + second : 0) && actual.freed_bytes == (own ? first : 0) &&
               actual.peak_bytes == (!own             ? 0
                                     : first > second ? first
                                                      : second),
           "a section of %zu and %zu bytes: allocated %llu, freed %llu, at most %llu", first, second,
           (unsigned long long)actual.allocated_bytes, (unsigned long long)actual.freed_bytes,
           (unsigned long long)actual.peak_bytes);
    EXPECT(tm_section_end(&section, NULL) == -EINVAL, "a section ends twice");
}
