/* SPDX-License-Identifier: BSD-3-Clause */
/* Tags, claims, limits and sections. What a limit refuses must change nothing. */
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
    int right = ledger_close_tag(tag), said = tm_tag_close(tag);
    EXPECT(said == right, "closing tag %d: %d, not %d", tag, said, right);
}

/* Half of the time it is a tag; 0 is one, too. */
void call_tag_enter(void)
{
    uint8_t byte = take_byte();
    tm_tag tag = byte % 8 == 0 ? 0 : byte % 16 == 15 ? -5 : ledger_any_tag(byte / 16);
    set_errno();
    tm_tag said = tm_tag_enter(tag), right = ledger_enter(tag);
    expect_errno_untouched("tm_tag_enter");
    EXPECT(said == right, "entering tag %d: %d, not %d", tag, said, right);
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
    int said = tm_claim(block->at);
    expect_errno_untouched("tm_claim");
    EXPECT(said == (ours ? 0 : -EINVAL), "a claim gives %d", said);
    if (!ours || ledger_owns(block->owner))
        return;
    ledger_credit(block->owner, block->size);
    block->owner = ledger_charge(block->size);
}

/* The caller is limited to `room` more than it has: it gets that, and not a byte more. */
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
    ledger_attend();
    int right = ledger_has_own() ? 0 : -ENOMEM, said = tm_thread_limit(ledger_live_of_caller() + room);
    EXPECT(said == right, "tm_thread_limit() gives %d, not %d", said, right);
    if (ledger_charges_own())
        press(block, room);
    EXPECT(tm_thread_limit(0) == right, "a limit is not lifted");
}

void call_tag_limit(void)
{
    struct block *block = take_empty_place();
    size_t room = 1 + take_size();
    tm_tag tag = tm_tag_current();
    int right = ledger_tag_is_open(tag) ? 0 : -EINVAL, said = tm_tag_limit(tag, ledger_live_of_tag(tag) + room);
    EXPECT(said == right, "tm_tag_limit() of %d gives %d, not %d", tag, said, right);
    if (said == 0 && ledger_charges_own())
        press(block, room);
    EXPECT(tm_tag_limit(tag, 0) == right, "a limit is not lifted");
}

static unsigned passed;
static uint64_t passed_with;

static void count_pass(uint64_t live, void *arg)
{
    EXPECT(arg == &passed, "a callback gets %p", arg);
    passed++;
    passed_with = live;
}

/* Of the thread or its tag: told as it is passed, once. */
void call_soft_limit(void)
{
    struct block *block = take_empty_place();
    size_t room = 1 + take_size();
    tm_tag tag = take_byte() % 2 ? tm_tag_current() : 0;
    ledger_attend();
    EXPECT(tm_thread_soft_limit(0, NULL, NULL) == (ledger_has_own() ? 0 : -ENOMEM), "no soft limit is not lifted");
    passed = 0;
    if (!ledger_charges_own() || (tag != 0 && !ledger_tag_is_open(tag)))
        return;
    uint64_t limit = room + (tag ? ledger_live_of_tag(tag) : ledger_live_of_caller());
    int said =
        tag ? tm_tag_soft_limit(tag, limit, count_pass, &passed) : tm_thread_soft_limit(limit, count_pass, &passed);
    EXPECT(said == 0, "a soft limit gives %d", said);
    keep(block, tm_malloc(room), room, 16);
    EXPECT(passed == 0, "a soft limit is told of before it is passed");
    resized(block, tm_realloc(block->at, room + 2), room + 2);
    EXPECT(passed == 1 && passed_with == limit + 2, "told %u times, of %llu bytes, not %llu", passed,
           (unsigned long long)passed_with, (unsigned long long)limit + 2);
    resized(block, tm_realloc(block->at, room + 3), room + 3);
    EXPECT(passed == 1, "told %u times", passed);
    said = tag ? tm_tag_soft_limit(tag, 0, NULL, NULL) : tm_thread_soft_limit(0, NULL, NULL);
    EXPECT(said == 0, "a soft limit is not lifted: %d", said);
}

void call_section(void)
{
    struct block *block = take_empty_place();
    size_t first = take_size(), second = take_size();
    ledger_attend();
    struct tm_section section;
    struct tm_totals said;
    int right = ledger_has_own() ? 0 : -ENOMEM, begun = tm_section_begin(&section);
    EXPECT(begun == right, "a section gives %d, not %d", begun, right);
    if (begun != 0)
        return;
    keep(block, tm_malloc(first), first, 16);
    free_block(block);
    keep(block, tm_malloc(second), second, 16);
    EXPECT(tm_section_end(&section, &said) == 0, "a section does not end");
    bool own = ledger_charges_own();
    EXPECT(said.allocated_bytes == (own ? first + second : 0) && said.freed_bytes == (own ? first : 0) &&
               said.peak_bytes == (!own             ? 0
                                   : first > second ? first
                                                    : second),
           "a section of %zu and %zu bytes: allocated %llu, freed %llu, at most %llu", first, second,
           (unsigned long long)said.allocated_bytes, (unsigned long long)said.freed_bytes,
           (unsigned long long)said.peak_bytes);
    EXPECT(tm_section_end(&section, NULL) == -EINVAL, "a section ends twice");
}
