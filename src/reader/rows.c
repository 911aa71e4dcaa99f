/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each row is read four times. `life` is taken from the first and the last: where it is the same, all in between is of
 * one generation. Frees, and who has the slot, are taken from the second, allocations from the third: so frees are never
 * later than the allocations that they follow, and nothing live is negative; where the frees of the last are the same,
 * all is of one moment. Otherwise the row is read again. That is what src/totals.c does with memory of its own.
 */
#include "reader/rows.h"
#include "reader/arrays.h"
#include "reader/message.h"
#include "reader/rows_flow.h"
#include "reader/rows_tags.h"
#include "state/settled.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PASSES = 4, CHUNK = 256 /* rows */, CHANCES = 64 };

/* What no honest file has stays too large to be one's. */
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
    struct tm__slot slot; /* who has it, as the second pass saw it */
    struct tm_totals all, before;
    uint64_t before_peak;
};

/* Whether the passes are of one generation, and one moment; `row` in any case. */
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
    /* Peaks are exact: what is above was allocated since those frees, or is not yet in anybody's hands. */
    if (all->allocated_bytes <= TM__MOST && all->allocated_bytes > all->freed_bytes &&
        all->allocated_bytes - all->freed_bytes > all->peak_bytes)
        all->allocated_bytes = all->freed_bytes + all->peak_bytes;
    row->before = tm__settled_totals(&second->identity.before);
    /* Behind the slot's own: a peak that is not there any more is here. */
    row->before_peak = last->identity.before_peak_bytes;
    return is_one;
}

/* What holds of every row of an honest file: also of its earlier generations alone, and of the present one. */
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
    const struct tm__identity *record = &row->slot.identity;
    bool has_thread = number < TM__SHARED_SLOTS || !is_listed(number, row) || record->thread != 0;
    return adds_up(&row->all, &row->before) && row->before_peak <= TM__MOST && has_thread &&
           record->thread_peak_bytes <= TM__MOST;
}

/* Of `count` rows: the first pass over all, then the second, and so on. */
static bool read_passes(const struct tm__source *source, uint32_t from, uint32_t count, struct tm__slot *passes)
{
    size_t size = count * sizeof *passes;
    uint64_t offset = source->places.slots_offset + (uint64_t)from * sizeof *passes;
    for (uint32_t i = 0; i < PASSES; i++)
        if (!tm__read_source(source, passes + i * count, size, offset))
            return false;
    return true;
}

/* Reads it alone, until it stays as it is for long enough. */
static int read_again(const struct tm__source *source, uint32_t number, struct row *row,
                      char message[TM_READER_MESSAGE])
{
    struct tm__slot passes[PASSES];
    for (int i = 0; i < CHANCES; i++) {
        if (!read_passes(source, number, 1, passes))
            return tm__cut_off(source, message);
        bool is_one = combine(&passes[0], &passes[1], &passes[2], &passes[3], row);
        /* A thread that frees all the time leaves what is live too high by what it freed just now. */
        if (is_one || (i >= CHANCES / 4 && passes[0].identity.generation_state == passes[3].identity.generation_state))
            break;
    }
    if (is_honest(number, row))
        return 0;
    tm__say(message, "%s is damaged: slot %u does not add up", source->path, (unsigned)number);
    return -EINVAL;
}

static enum tm_slot_state state_of(uint32_t number, uint64_t life)
{
    if (number < TM__SHARED_SLOTS)
        return number == TM__LATE_SLOT ? TM_LATE : TM_OVERFLOW;
    return (life & 0xff) == TM__OWNED ? TM_LIVE : TM_ORPHAN;
}

static void describe(uint32_t number, const struct row *row, struct tm_slot *slot)
{
    const struct tm__identity *record = &row->slot.identity;
    bool shared = number < TM__SHARED_SLOTS;
    *slot = (struct tm_slot){.slot = number, .state = state_of(number, record->generation_state), .totals = row->all};
    if (!shared) {
        tm__subtract_totals(&slot->totals, &row->before);
        slot->generation = (uint32_t)(record->generation_state >> 8);
        slot->thread = record->thread;
        slot->tag = (int32_t)(record->tag & INT32_MAX);
        slot->tid = record->tid;
        tm__take_name(slot->name, (const uint64_t[2]){record->name[0], record->name[1]});
    }
    slot->thread_peak_bytes = record->thread_peak_bytes; /* not yet all of it: see give_peaks() */
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* To the process's, and what is not of the present generation, or nobody has, to what is retired. */
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

/* As tm__thread_peak() does: a thread's peak is the largest of its own and of its first slot's, which may be nobody's. */
static void give_peaks(struct tm__rows *rows, uint32_t used)
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
        give_peaks(rows, used);
    return error;
}

/* ---- the whole ---- */

/* Between two readings of the tags, tags and then slots: where those two are the same, nothing went over meanwhile. */
static int read_once(const struct tm__source *source, const struct tm__head *head, struct tm__rows *rows, bool *same,
                     char message[TM_READER_MESSAGE])
{
    struct tm__tag *before, *tags = NULL, *behind = NULL;
    int error = tm__read_tags(source, head->tags_used, &before, message);
    if (!error)
        error = tm__read_tags(source, head->tags_used, &tags, message);
    if (!error)
        error = read_slots(source, head->slots_used, rows, message);
    if (!error)
        error = tm__read_tags(source, head->tags_used, &behind, message);
    if (!error) {
        *same = tm__are_same_tags(before, behind, head->tags_used);
        error = tm__collect_tags(source, rows, tags, head->tags_used, message);
    }
    free(before);
    free(tags);
    free(behind);
    return error;
}

int tm__read_rows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE])
{
    enum { AT_ONCE = 3, READINGS = AT_ONCE + 5 };
    struct tm__head head;
    bool same = false;
    for (int i = 0; i < READINGS && !same; i++) {
        /* For who was stopped in the midst of a change; or was killed there. */
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
#define READ(name, words, meaning) rows->cross_allocator_calls.name = head.name;
    TM_CROSS_ALLOCATOR_CALLS(READ)
#undef READ
    rows->flow_on = head.flow_is_on != 0;
    rows->ended = head.ended != 0;
    rows->flow_count = 0;
    return rows->flow_on ? tm__read_flows(source, rows, message) : 0;
}
