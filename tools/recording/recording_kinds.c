/* SPDX-License-Identifier: BSD-3-Clause */
/* The structs of threadmeter/reader.h are the rows; for each kind a list says where their fields are. */
#include "recording/recording_kinds.h"

#include <assert.h>
#include <string.h>

/* Sums of bytes are far from this; and it fits in JSON's integers, as pids and tags do, which are never negative. */
#define MOST_64 INT64_MAX
#define MOST_32 INT32_MAX

#define NUMBER(type, name, highest)                                                                                    \
    {                                                                                                                  \
        offsetof(type, name), sizeof(((type *)0)->name), false, highest                                                \
    }
#define COUNTER(type, name) NUMBER(type, name, MOST_64)
#define TEXT(type, name)                                                                                               \
    {                                                                                                                  \
        offsetof(type, name), sizeof(((type *)0)->name), true, 0                                                       \
    }
#define TOTALS(type, name)                                                                                             \
    COUNTER(type, name.allocated_bytes), COUNTER(type, name.allocated_blocks), COUNTER(type, name.freed_bytes),        \
        COUNTER(type, name.freed_blocks), COUNTER(type, name.remote_frees_received_bytes),                             \
        COUNTER(type, name.remote_frees_received_blocks), COUNTER(type, name.remote_frees_made_bytes),                 \
        COUNTER(type, name.peak_bytes)

/*
 * A counter that was added to struct tm_totals after version 2 comes after all other fields of its row, so that older
 * recordings stay readable. Those of version 2, which TOTALS() has, have a place there, but are never written there. So
 * a new counter needs no change here.
 */
#define LATER(type, totals, name)                                                                                      \
    {offsetof(type, totals.name),                                                                                      \
     offsetof(struct tm_totals, name) > offsetof(struct tm_totals, remote_frees_made_bytes) ? 8 : 0, false, MOST_64},
#define OF_PROCESS(name, unit, meaning) LATER(struct process_row, process, name)
#define OF_RETIRED(name, unit, meaning) LATER(struct process_row, retired, name)
#define OF_THREAD(name, unit, meaning) LATER(struct tm_thread_reading, totals, name)
#define OF_TAG(name, unit, meaning) LATER(struct tm_tag_reading, totals, name)
#define OF_SLOT(name, unit, meaning) LATER(struct tm_slot, totals, name)
static_assert(offsetof(struct tm_totals, remote_frees_made_bytes) == 6 * sizeof(uint64_t),
              "a new counter follows those of version 2, or recordings would leave it out");
static_assert(sizeof(struct tm_cross_allocator_calls) == 5 * sizeof(uint64_t),
              "one more is to follow all that process_fields has, and to make a new version");

static const struct field process_fields[] = {COUNTER(struct process_row, time_ns),
                                              COUNTER(struct process_row, elapsed_ns),
                                              NUMBER(struct process_row, live, 1),
                                              NUMBER(struct process_row, flow_on, 1),
                                              COUNTER(struct process_row, memory.resident_bytes),
                                              COUNTER(struct process_row, memory.peak_resident_bytes),
                                              TOTALS(struct process_row, process),
                                              TOTALS(struct process_row, retired),
                                              COUNTER(struct process_row, cross_allocator_calls.foreign_frees),
                                              COUNTER(struct process_row, cross_allocator_calls.foreign_reallocs),
                                              COUNTER(struct process_row, cross_allocator_calls.intercepted_frees),
                                              COUNTER(struct process_row, cross_allocator_calls.intercepted_reallocs),
                                              COUNTER(struct process_row, cross_allocator_calls.errors_reported),
                                              TM_COUNTERS(OF_PROCESS) TM_COUNTERS(OF_RETIRED)};

static const struct field thread_fields[] = {
    COUNTER(struct tm_thread_reading, thread), NUMBER(struct tm_thread_reading, state, TM_OVERFLOW),
    TEXT(struct tm_thread_reading, name),      NUMBER(struct tm_thread_reading, tid, MOST_32),
    TOTALS(struct tm_thread_reading, totals),  TM_COUNTERS(OF_THREAD)};

static const struct field tag_fields[] = {
    NUMBER(struct tm_tag_reading, tag, MOST_32), NUMBER(struct tm_tag_reading, open, 1),
    TEXT(struct tm_tag_reading, name),           NUMBER(struct tm_tag_reading, limit_bytes, UINT64_MAX),
    TOTALS(struct tm_tag_reading, totals),       TM_COUNTERS(OF_TAG)};

static const struct field slot_fields[] = {NUMBER(struct tm_slot, slot, MOST_32),
                                           NUMBER(struct tm_slot, generation, UINT32_MAX),
                                           TEXT(struct tm_slot, name),
                                           COUNTER(struct tm_slot, thread),
                                           NUMBER(struct tm_slot, tag, MOST_32),
                                           NUMBER(struct tm_slot, tid, MOST_32),
                                           NUMBER(struct tm_slot, state, TM_OVERFLOW),
                                           COUNTER(struct tm_slot, thread_peak_bytes),
                                           TOTALS(struct tm_slot, totals),
                                           TM_COUNTERS(OF_SLOT)};

static const struct field flow_fields[] = {
    COUNTER(struct tm_flow, owner),
    COUNTER(struct tm_flow, freer),
    TEXT(struct tm_flow, owner_name),
    TEXT(struct tm_flow, freer_name),
    NUMBER(struct tm_flow, owner_tid, MOST_32),
    NUMBER(struct tm_flow, freer_tid, MOST_32),
    COUNTER(struct tm_flow, bytes),
    COUNTER(struct tm_flow, blocks),
};

#define FIELDS(list) list, sizeof(list) / sizeof((list)[0])
const struct kind recording_kinds[ROW_KINDS] = {
    [ROWS_PROCESS] = {FIELDS(process_fields),
                      sizeof(struct process_row),
                      {offsetof(struct process_row, process) + 1, offsetof(struct process_row, retired) + 1}},
    [ROWS_THREADS] = {FIELDS(thread_fields),
                      sizeof(struct tm_thread_reading),
                      {offsetof(struct tm_thread_reading, totals) + 1}},
    [ROWS_TAGS] = {FIELDS(tag_fields), sizeof(struct tm_tag_reading), {offsetof(struct tm_tag_reading, totals) + 1}},
    [ROWS_SLOTS] = {FIELDS(slot_fields), sizeof(struct tm_slot), {offsetof(struct tm_slot, totals) + 1}},
    [ROWS_FLOWS] = {FIELDS(flow_fields), sizeof(struct tm_flow), {0}},
};
static_assert(sizeof process_fields / sizeof process_fields[0] < 64, "a bit each of what has changed");

uint64_t field_get(const struct field *field, const void *row)
{
    const char *at = (const char *)row + field->offset;
    uint8_t byte;
    uint32_t word;
    uint64_t number;
    switch (field->size) {
    case 0:
        return 0;
    case 1:
        memcpy(&byte, at, 1);
        return byte;
    case 4:
        memcpy(&word, at, 4);
        return word;
    default:
        memcpy(&number, at, 8);
        return number;
    }
}

bool field_set(const struct field *field, void *row, uint64_t number)
{
    char *at = (char *)row + field->offset;
    uint8_t byte = (uint8_t)number;
    uint32_t word = (uint32_t)number;
    if (number > field->most || field->size == 0)
        return false;
    memcpy(at, field->size == 1 ? (void *)&byte : field->size == 4 ? (void *)&word : (void *)&number, field->size);
    return true;
}

/* True if no more was freed than allocated. */
bool row_adds_up(const struct kind *kind, const void *row)
{
    for (int i = 0; i < TOTALS_MOST && kind->totals[i]; i++) {
        struct tm_totals totals;
        memcpy(&totals, (const char *)row + kind->totals[i] - 1, sizeof totals);
        if (totals.freed_bytes > totals.allocated_bytes || totals.freed_blocks > totals.allocated_blocks)
            return false;
    }
    return true;
}

/* True if a reader would accept the row. */
bool row_is_sound(const struct kind *kind, const void *row)
{
    for (size_t i = 0; i < kind->field_count; i++)
        if (!kind->fields[i].text && field_get(&kind->fields[i], row) > kind->fields[i].most)
            return false;
    return row_adds_up(kind, row);
}

/* ---- keys ---- */

struct key row_key(enum row_kind kind, const void *row)
{
    const struct tm_thread_reading *thread = row;
    const struct tm_slot *slot = row;
    const struct tm_flow *flow = row;
    switch (kind) {
    case ROWS_THREADS:
        return (struct key){thread->thread, thread->thread == 0 ? thread->state : 0};
    case ROWS_TAGS:
        return (struct key){(uint32_t)((const struct tm_tag_reading *)row)->tag, 0};
    case ROWS_SLOTS:
        return (struct key){slot->slot, slot->generation};
    case ROWS_FLOWS:
        return (struct key){flow->owner << 1 | (flow->owner == 0 && strcmp(flow->owner_name, "(others)") == 0),
                            flow->freer};
    default:
        return (struct key){0, 0};
    }
}

int compare_keys(struct key a, struct key b)
{
    if (a.major != b.major)
        return a.major < b.major ? -1 : 1;
    return (a.minor > b.minor) - (a.minor < b.minor);
}

int compare_rows(const void *a, const void *b, void *kind)
{
    return compare_keys(row_key(*(enum row_kind *)kind, a), row_key(*(enum row_kind *)kind, b));
}
