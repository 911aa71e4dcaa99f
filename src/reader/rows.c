/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each row is read four times. generation_state is taken from the first and the last reading: if it is the same, all in
 * between is of one generation. Frees, and the identity, are taken from the second reading, allocations from the third.
 * So frees are never later than the allocations that they follow, and live bytes are never negative. If the frees are
 * the same in the last reading, all is of one moment. Otherwise the row is read again. api/totals.c does the same in
 * its own process.
 */
#include "reader/rows.h"
#include "reader/arrays.h"
#include "reader/message.h"
#include "reader/rows_flow.h"
#include "reader/rows_retired.h"
#include "reader/rows_tags.h"
#include "state/settled.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PASSES = 4, CHUNK = 256 /* rows */, ATTEMPTS = 64 };

/* A sum that overflows stays too large for an honest file, so it is found later. */
static void add(uint64_t *sum, uint64_t more)
{
    if (__builtin_add_overflow(*sum, more, sum))
        *sum = UINT64_MAX;
}

static void read_frees(const struct tm__slot *slot, struct tm_totals *sum)
{
    sum->remote_frees_received_bytes = sum->remote_frees_received_blocks = 0;
    for (int i = 0; i < TM__LANES; i++) {
        add(&sum->remote_frees_received_bytes, slot->lanes[i].freed_bytes);
        add(&sum->remote_frees_received_bytes, slot->lanes[i].shared_bytes);
        add(&sum->remote_frees_received_blocks, slot->lanes[i].freed_blocks);
        add(&sum->remote_frees_received_blocks, slot->lanes[i].shared_blocks);
    }
    sum->freed_bytes = sum->remote_frees_received_bytes;
    sum->freed_blocks = sum->remote_frees_received_blocks;
    add(&sum->freed_bytes, slot->owner.freed_bytes);
    add(&sum->freed_blocks, slot->owner.freed_blocks);
}

/* A slot over all its generations, and what the earlier ones had. */
struct row {
    struct tm__slot slot; /* with the identity that the second pass saw */
    struct tm_totals all, before;
    uint64_t before_peak;
};

/* Fills `row` from the passes. Returns whether they are of one generation and one moment. */
static bool combine(const struct tm__slot *first, const struct tm__slot *second, const struct tm__slot *third,
                    const struct tm__slot *last, struct row *row)
{
    struct tm_totals *all = &row->all, again;
    row->slot = *second;
    read_frees(second, all);
    read_frees(last, &again);
    bool is_one = first->identity.generation_state == last->identity.generation_state &&
                  again.freed_bytes == all->freed_bytes && again.freed_blocks == all->freed_blocks;
    all->allocated_bytes = third->owner.allocated_bytes;
    all->allocated_blocks = third->owner.allocated_blocks;
#define READ(name) all->name = third->own.name;
    TM__OWN_COUNTERS(READ)
#undef READ
    all->peak_bytes = third->identity.peak_bytes;
    /*
     * Peaks are exact: what is above was allocated after those frees were read, or by a call that has not returned yet.
     */
    if (all->allocated_bytes <= TM__MOST && all->allocated_bytes > all->freed_bytes &&
        all->allocated_bytes - all->freed_bytes > all->peak_bytes)
        all->allocated_bytes = all->freed_bytes + all->peak_bytes;
    row->before = tm__settled_totals(&second->identity.before);
    /* Read after the slot's own peak: a peak that is not there any more is here. */
    row->before_peak = last->before_peak_bytes;
    return is_one;
}

/* Whether the sums are possible: over all generations, of the earlier ones alone, and of the present one. */
static bool adds_up(const struct tm_totals *all, const struct tm_totals *before)
{
    bool possible = tm__is_possible(all) && tm__is_possible(before);
#define LIMIT(name, unit, meaning) possible &= before->name <= all->name;
    TM_COUNTERS(LIMIT)
#undef LIMIT
    if (!possible)
        return false;
    struct tm_totals present = *all;
    tm__subtract_totals(&present, before);
    return tm__is_possible(&present);
}

static bool is_listed(uint32_t number, const struct row *row)
{
    return number < TM__SHARED_SLOTS || (row->slot.identity.generation_state & 0xff) != TM__FREE;
}

static bool is_honest(uint32_t number, const struct row *row)
{
    const struct tm__identity *identity = &row->slot.identity;
    bool has_thread = number < TM__SHARED_SLOTS || !is_listed(number, row) || identity->thread != 0;
    return adds_up(&row->all, &row->before) && row->before_peak <= TM__MOST && has_thread &&
           identity->thread_peak_bytes <= TM__MOST;
}

/* Reads `count` rows: all of them in the first pass, then all again in the second, and so on. */
static bool read_passes(const struct tm__source *source, uint32_t from, uint32_t count, struct tm__slot *passes)
{
    size_t size = count * sizeof *passes;
    uint64_t offset = source->places.slots_offset + (uint64_t)from * sizeof *passes;
    for (uint32_t i = 0; i < PASSES; i++)
        if (!tm__read_source(source, passes + i * count, size, offset))
            return false;
    return true;
}

/* Reads one row alone, until it does not change while it is read. */
static int read_again(const struct tm__source *source, uint32_t number, struct row *row,
                      char message[TM_READER_MESSAGE])
{
    struct tm__slot passes[PASSES];
    for (int i = 0; i < ATTEMPTS; i++) {
        if (!read_passes(source, number, 1, passes))
            return tm__cut_off(source, message);
        bool is_one = combine(&passes[0], &passes[1], &passes[2], &passes[3], row);
        /* If a thread frees without pause, live bytes may be too high by what it freed during the reading. */
        if (is_one || (i >= ATTEMPTS / 4 && passes[0].identity.generation_state == passes[3].identity.generation_state))
            break;
    }
    if (is_honest(number, row))
        return 0;
    tm__say(message, "%s is damaged: slot %u does not add up", source->path, (unsigned)number);
    return -EINVAL;
}

static enum tm_slot_state state_of(uint32_t number, uint64_t generation_state)
{
    if (number < TM__SHARED_SLOTS)
        return number == TM__LATE_SLOT ? TM_LATE : TM_OVERFLOW;
    return (generation_state & 0xff) == TM__OWNED ? TM_LIVE : TM_ORPHAN;
}

static void describe(uint32_t number, const struct row *row, struct tm_slot *slot)
{
    const struct tm__identity *identity = &row->slot.identity;
    bool shared = number < TM__SHARED_SLOTS;
    *slot = (struct tm_slot){.slot = number, .state = state_of(number, identity->generation_state), .totals = row->all};
    if (!shared) {
        tm__subtract_totals(&slot->totals, &row->before);
        slot->generation = (uint32_t)(identity->generation_state >> 8);
        slot->thread = identity->thread;
        slot->tag = (int32_t)(identity->tag & INT32_MAX);
        slot->tid = identity->tid;
        tm__take_name(slot->name, (const uint64_t[2]){identity->name[0], identity->name[1]});
    }
    slot->thread_peak_bytes = identity->thread_peak_bytes; /* may still grow: see complete_peaks() */
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Adds the row to the process's total, and to the retired total what is of earlier generations or of a free slot. */
static bool add_to_sums(struct tm__rows *rows, uint32_t number, const struct row *row)
{
    bool is_listed_now = is_listed(number, row);
    tm__add_totals(&rows->process, &row->all);
    rows->process.peak_bytes += larger(row->all.peak_bytes, row->before_peak);
    if (number >= TM__SHARED_SLOTS) {
        tm__add_totals(&rows->retired, is_listed_now ? &row->before : &row->all);
        rows->retired.peak_bytes += is_listed_now ? row->before_peak : larger(row->all.peak_bytes, row->before_peak);
    }
    return tm__is_possible(&rows->process); /* so the next sum does not overflow */
}

static int add_row(struct tm__rows *rows, uint32_t number, const struct row *row, const char *path,
                   char message[TM_READER_MESSAGE])
{
    if (!add_to_sums(rows, number, row)) {
        tm__say(message, "%s is damaged: its slots are too large together", path);
        return -EINVAL;
    }
    bool is_shared = number < TM__SHARED_SLOTS;
    rows->peaks[number].thread = is_shared ? 0 : row->slot.identity.thread;
    rows->peaks[number].bytes = is_shared ? 0 : larger(row->slot.identity.thread_peak_bytes, row->all.peak_bytes);
    if (!is_listed(number, row))
        return 0;
    size_t homes_capacity = rows->slot_capacity;
    if (!tm__grow(&rows->homes, &homes_capacity, rows->slot_count, sizeof *rows->homes) ||
        !tm__grow(&rows->slots, &rows->slot_capacity, rows->slot_count, sizeof *rows->slots))
        return tm__no_memory(message);
    rows->homes[rows->slot_count] = row->slot.home;
    describe(number, row, &rows->slots[rows->slot_count++]);
    return 0;
}

/*
 * As tm__thread_peak(): a thread's peak is the larger of its slot's and of its home slot's, which may be free by now.
 */
static void complete_peaks(struct tm__rows *rows, uint32_t used)
{
    for (size_t i = 0; i < rows->slot_count; i++) {
        struct tm_slot *slot = &rows->slots[i];
        uint32_t home = rows->homes[i];
        if (home < used && rows->peaks[home].thread == slot->thread)
            slot->thread_peak_bytes = larger(slot->thread_peak_bytes, rows->peaks[home].bytes);
        slot->thread_peak_bytes = larger(slot->thread_peak_bytes, slot->totals.peak_bytes);
    }
}

static int read_chunk(const struct tm__source *source, struct tm__rows *rows, struct tm__slot *passes, uint32_t from,
                      uint32_t count, char message[TM_READER_MESSAGE])
{
    if (!read_passes(source, from, count, passes))
        return tm__cut_off(source, message);
    for (uint32_t i = 0; i < count; i++) {
        const struct tm__slot *first = passes + i, *second = first + count, *third = second + count;
        struct row row;
        int error = 0;
        if (!combine(first, second, third, third + count, &row) || !is_honest(from + i, &row))
            error = read_again(source, from + i, &row, message);
        if (!error)
            error = add_row(rows, from + i, &row, source->path, message);
        if (error)
            return error;
    }
    return 0;
}

static int read_slots(const struct tm__source *source, uint32_t used, struct tm__rows *rows,
                      char message[TM_READER_MESSAGE])
{
    struct tm__slot *passes = aligned_alloc(alignof(struct tm__slot), PASSES * CHUNK * sizeof *passes);
    int error = passes && tm__reserve(&rows->peaks, &rows->peak_capacity, used, sizeof *rows->peaks)
                    ? 0
                    : tm__no_memory(message);
    rows->slot_count = 0;
    rows->process = rows->retired = (struct tm_totals){0};
    for (uint32_t from = 0; !error && from < used; from += CHUNK)
        error = read_chunk(source, rows, passes, from, used - from < CHUNK ? used - from : CHUNK, message);
    free(passes);
    if (!error)
        complete_peaks(rows, used);
    return error;
}

/* ---- the whole ---- */

/*
 * The tags are read, then the tags and the slots, then the tags again. If the first and the last reading of the tags
 * are the same, no slot's sums were moved to a tag in between. And so with the retired rows.
 */
static int read_once(const struct tm__source *source, const struct tm__head *head, struct tm__rows *rows, bool *same,
                     char message[TM_READER_MESSAGE])
{
    struct tm__tag *before, *tags = NULL, *after = NULL;
    struct tm__retired_tables retired = {.count = head->retired_used};
    int error = tm__read_tags(source, head->tags_used, &before, message);
    if (!error)
        error = tm__read_retired(source, retired.count, &retired.before, message);
    if (!error)
        error = tm__read_tags(source, head->tags_used, &tags, message);
    if (!error)
        error = read_slots(source, head->slots_used, rows, message);
    if (!error)
        error = tm__read_tags(source, head->tags_used, &after, message);
    if (!error)
        error = tm__read_retired(source, retired.count, &retired.after, message);
    if (!error)
        error = tm__collect_retired(source, rows, &retired, same, message);
    if (!error) {
        *same &= tm__are_same_tags(before, after, head->tags_used);
        error = tm__collect_tags(source, rows, tags, head->tags_used, message);
    }
    free(retired.before);
    free(retired.after);
    free(before);
    free(tags);
    free(after);
    return error;
}

int tm__read_rows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE])
{
    enum { AT_ONCE = 3, READINGS = AT_ONCE + 5 };
    struct tm__head head;
    bool same = false;
    for (int i = 0; i < READINGS && !same; i++) {
        /* Wait, in case a thread was stopped in the midst of a change. Not for ever: it may have been killed there. */
        struct timespec pause = {.tv_nsec = 50000L << i};
        if (i >= AT_ONCE)
            nanosleep(&pause, NULL);
        int error = tm__read_used(source, &head, message);
        if (!error)
            error = read_once(source, &head, rows, &same, message);
        if (error)
            return error;
    }
    tm__sort_tags(rows);
    tm__sort_retired(rows);
#define READ(name, words, meaning) rows->cross_allocator_calls.name = head.name;
    TM_CROSS_ALLOCATOR_CALLS(READ)
#undef READ
    rows->flow_on = head.flow_is_on != 0;
    rows->ended = head.ended != 0;
    rows->flow_count = 0;
    return rows->flow_on ? tm__read_flows(source, rows, message) : 0;
}
