/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rows and their changes. The structs of threadmeter/reader.h are the rows; for each kind a list says where their
 * fields are. It knows nothing of frames and files.
 */
#include "recording_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes ---- */

void bytes_put(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->capacity - bytes->size < size) {
        bytes->capacity = 2 * bytes->capacity + size;
        bytes->data = tool_resize(bytes->data, bytes->capacity, 1);
    }
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void bytes_put_number(struct bytes *bytes, uint64_t number)
{
    uint8_t text[10];
    size_t size = 0;
    for (; number >= 0x80; number >>= 7)
        text[size++] = (uint8_t)(number | 0x80);
    text[size++] = (uint8_t)number;
    bytes_put(bytes, text, size);
}

const void *view_take(struct view *view, size_t size)
{
    if (!view->data || view->size < size) {
        *view = (struct view){NULL, 0};
        return NULL;
    }
    const uint8_t *taken = view->data;
    view->data += size;
    view->size -= size;
    return taken;
}

uint64_t view_number(struct view *view)
{
    uint64_t number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        const uint8_t *byte = view_take(view, 1);
        if (!byte)
            return 0;
        if (shift == 63 && *byte > 1) /* the tenth byte has one bit */
            break;
        number |= (uint64_t)(*byte & 0x7f) << shift;
        if (*byte < 0x80)
            return number;
    }
    *view = (struct view){NULL, 0};
    return 0;
}

/* Numbers around 0, of either sign, as small ones: 0, -1, 1, -2 … */
static uint64_t fold(uint64_t difference)
{
    return difference << 1 ^ (difference >> 63 ? UINT64_MAX : 0);
}

static uint64_t unfold(uint64_t folded)
{
    return folded >> 1 ^ (folded & 1 ? UINT64_MAX : 0);
}

/* ---- fields ---- */

struct field {
    uint16_t offset;
    uint16_t size; /* 1, 4 or 8; a text's with the 0 at its end */
    bool text;
    uint64_t most; /* what a number can be */
};

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
        COUNTER(type, name.freed_blocks), COUNTER(type, name.freed_by_others_bytes),                                   \
        COUNTER(type, name.freed_by_others_blocks), COUNTER(type, name.freed_of_others_bytes),                         \
        COUNTER(type, name.peak_bytes)

static const struct field process_fields[] = {
    COUNTER(struct process_row, time_ns),
    COUNTER(struct process_row, elapsed_ns),
    NUMBER(struct process_row, live, 1),
    NUMBER(struct process_row, flow_on, 1),
    COUNTER(struct process_row, memory.resident_bytes),
    COUNTER(struct process_row, memory.peak_resident_bytes),
    TOTALS(struct process_row, process),
    TOTALS(struct process_row, retired),
    COUNTER(struct process_row, crossings.foreign_frees),
    COUNTER(struct process_row, crossings.foreign_reallocs),
    COUNTER(struct process_row, crossings.caught_frees),
    COUNTER(struct process_row, crossings.caught_reallocs),
    COUNTER(struct process_row, crossings.misuses_told),
};

static const struct field thread_fields[] = {
    COUNTER(struct tm_thread_reading, thread), NUMBER(struct tm_thread_reading, state, TM_OVERFLOW),
    TEXT(struct tm_thread_reading, name),      NUMBER(struct tm_thread_reading, tid, MOST_32),
    TOTALS(struct tm_thread_reading, totals),
};

static const struct field tag_fields[] = {
    NUMBER(struct tm_tag_reading, tag, MOST_32), NUMBER(struct tm_tag_reading, open, 1),
    TEXT(struct tm_tag_reading, name),           NUMBER(struct tm_tag_reading, limit_bytes, UINT64_MAX),
    TOTALS(struct tm_tag_reading, totals),
};

static const struct field slot_fields[] = {
    NUMBER(struct tm_slot, slot, MOST_32),
    NUMBER(struct tm_slot, generation, UINT32_MAX),
    TEXT(struct tm_slot, name),
    COUNTER(struct tm_slot, thread),
    NUMBER(struct tm_slot, tag, MOST_32),
    NUMBER(struct tm_slot, tid, MOST_32),
    NUMBER(struct tm_slot, state, TM_OVERFLOW),
    COUNTER(struct tm_slot, thread_peak_bytes),
    TOTALS(struct tm_slot, totals),
};

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
enum { TOTALS_MOST = 2, ROWS_MOST = 1 << 18 }; /* as many threads as the library's table has slots, and again */

static const struct kind {
    const struct field *fields;
    size_t field_count;
    size_t size;
    size_t totals[TOTALS_MOST]; /* where they are, plus 1 */
} kinds[ROW_KINDS] = {
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

static uint64_t get(const struct field *field, const void *row)
{
    const char *at = (const char *)row + field->offset;
    uint8_t byte;
    uint32_t word;
    uint64_t number;
    switch (field->size) {
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

static bool set(const struct field *field, void *row, uint64_t number)
{
    char *at = (char *)row + field->offset;
    uint8_t byte = (uint8_t)number;
    uint32_t word = (uint32_t)number;
    if (number > field->most)
        return false;
    memcpy(at, field->size == 1 ? (void *)&byte : field->size == 4 ? (void *)&word : (void *)&number, field->size);
    return true;
}

/* Nothing was freed that was not allocated. */
static bool adds_up(const struct kind *kind, const void *row)
{
    for (int i = 0; i < TOTALS_MOST && kind->totals[i]; i++) {
        struct tm_totals totals;
        memcpy(&totals, (const char *)row + kind->totals[i] - 1, sizeof totals);
        if (totals.freed_bytes > totals.allocated_bytes || totals.freed_blocks > totals.allocated_blocks)
            return false;
    }
    return true;
}

/* Could be read back. */
static bool is_sound(const struct kind *kind, const void *row)
{
    for (size_t i = 0; i < kind->field_count; i++)
        if (!kind->fields[i].text && get(&kind->fields[i], row) > kind->fields[i].most)
            return false;
    return adds_up(kind, row);
}

/* ---- keys ---- */

/*
 * What names a row for as long as it is there: the fields of it that come first in the list. Of the slots that are
 * shared and of "(others)" it takes one more to tell them apart.
 */
struct key {
    uint64_t major, minor;
};

static struct key key_of(enum row_kind kind, const void *row)
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

static int compare_keys(struct key a, struct key b)
{
    if (a.major != b.major)
        return a.major < b.major ? -1 : 1;
    return (a.minor > b.minor) - (a.minor < b.minor);
}

static int compare_rows(const void *a, const void *b, void *kind)
{
    return compare_keys(key_of(*(enum row_kind *)kind, a), key_of(*(enum row_kind *)kind, b));
}

/* ---- rows ---- */

size_t row_size(enum row_kind kind)
{
    return kinds[kind].size;
}

static void *row_at(enum row_kind kind, const struct rows *rows, size_t index)
{
    return rows->row ? (char *)rows->row + index * kinds[kind].size : NULL;
}

static void reserve(enum row_kind kind, struct rows *rows, size_t count)
{
    if (rows->capacity < count) {
        rows->capacity = count + count / 2;
        rows->row = tool_resize(rows->row, rows->capacity, kinds[kind].size);
    }
}

void rows_set(enum row_kind kind, struct rows *rows, const void *array, size_t count)
{
    const size_t size = kinds[kind].size;
    size_t kept = 0;
    count = count < ROWS_MOST ? count : ROWS_MOST;
    reserve(kind, rows, count);
    if (count > 0)
        memcpy(rows->row, array, count * size);
    if (count > 1)
        qsort_r(rows->row, count, size, compare_rows, &kind);
    for (size_t i = 0; i < count; i++) {
        const void *row = row_at(kind, rows, i);
        if (is_sound(&kinds[kind], row) && (kept == 0 || compare_rows(row_at(kind, rows, kept - 1), row, &kind) != 0))
            memmove(row_at(kind, rows, kept++), row, size);
    }
    rows->count = kept;
}

/* ---- changes ---- */

/* What is said of a row: its key follows, as the difference to the key before. */
enum { ROWS_END, ROW_CHANGED, ROW_NEW, ROW_GONE };

static void put_key(struct bytes *bytes, struct key *last, struct key key)
{
    uint64_t step = key.major - last->major;
    bytes_put_number(bytes, step);
    bytes_put_number(bytes, step == 0 ? key.minor - last->minor : key.minor);
    *last = key;
}

static const char *text_of(const struct field *field, const void *row)
{
    return (const char *)row + field->offset;
}

static bool differs(const struct field *field, const void *before, const void *after)
{
    return field->text ? strncmp(text_of(field, before), text_of(field, after), field->size) != 0
                       : get(field, before) != get(field, after);
}

static void put_fields(const struct kind *kind, struct bytes *bytes, uint64_t mask, const void *before,
                       const void *after)
{
    bytes_put_number(bytes, mask);
    for (size_t i = 0; i < kind->field_count; i++) {
        const struct field *field = &kind->fields[i];
        if (!(mask >> i & 1))
            continue;
        if (field->text) {
            size_t length = strnlen(text_of(field, after), field->size - 1u);
            bytes_put_number(bytes, length);
            bytes_put(bytes, text_of(field, after), length);
        } else {
            bytes_put_number(bytes, fold(get(field, after) - get(field, before)));
        }
    }
}

static uint64_t changed_fields(const struct kind *kind, const void *before, const void *after)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < kind->field_count; i++)
        mask |= (uint64_t)differs(&kind->fields[i], before, after) << i;
    return mask;
}

/* New rows begin as this. */
static const union {
    struct process_row process;
    struct tm_thread_reading thread;
    struct tm_tag_reading tag;
    struct tm_slot slot;
    struct tm_flow flow;
} blank;

void rows_put_changes(enum row_kind kind, struct bytes *bytes, const struct rows *before, const struct rows *after)
{
    struct key last = {0, 0};
    size_t old = 0, new = 0;
    while (old < before->count || new < after->count) {
        const void *was = row_at(kind, before, old), *is = row_at(kind, after, new);
        int order = old == before->count ? 1 : new == after->count ? -1 : compare_rows(was, is, &kind);
        const void *from = order > 0 ? &blank : was;
        uint64_t mask = order < 0 ? 0 : changed_fields(&kinds[kind], from, is);
        if (order != 0 || mask != 0) {
            bytes_put_number(bytes, order == 0 ? ROW_CHANGED : order > 0 ? ROW_NEW : ROW_GONE);
            put_key(bytes, &last, key_of(kind, order < 0 ? was : is));
        }
        if (order > 0 || mask != 0)
            put_fields(&kinds[kind], bytes, mask, from, is);
        old += order <= 0;
        new += order >= 0;
    }
    bytes_put_number(bytes, ROWS_END);
}

static bool take_fields(const struct kind *kind, struct view *view, void *row)
{
    uint64_t mask = view_number(view);
    if (mask >> kind->field_count)
        return false;
    for (size_t i = 0; i < kind->field_count; i++) {
        const struct field *field = &kind->fields[i];
        if (!(mask >> i & 1))
            continue;
        uint64_t number = view_number(view);
        if (field->text) {
            const char *text = number < field->size ? view_take(view, number) : NULL;
            if (!text || memchr(text, '\0', number))
                return false;
            memset((char *)row + field->offset, 0, field->size);
            memcpy((char *)row + field->offset, text, number);
        } else if (!set(field, row, get(field, row) + unfold(number))) {
            return false;
        }
    }
    return view->data != NULL;
}

static bool take_key(struct view *view, struct key *last, bool first)
{
    uint64_t step = view_number(view), minor = view_number(view);
    struct key key = {last->major + step, step == 0 ? last->minor + minor : minor};
    bool ascends = first || compare_keys(*last, key) < 0; /* or it has gone beyond the highest number */
    *last = key;
    return ascends;
}

bool rows_take_changes(enum row_kind kind, struct view *view, const struct rows *before, struct rows *after)
{
    const size_t size = kinds[kind].size;
    struct key key = {0, 0};
    size_t old = 0;
    bool first = true;
    after->count = 0;
    for (;;) {
        uint64_t what = view_number(view);
        if (what > ROW_GONE || !view->data || (what != ROWS_END && !take_key(view, &key, first)))
            return false;
        first = false;

        /* What nothing is said of, is as it was. */
        size_t same = old;
        while (same < before->count &&
               (what == ROWS_END || compare_keys(key_of(kind, row_at(kind, before, same)), key) < 0))
            same++;
        reserve(kind, after, after->count + (same - old) + 1);
        if (same > old)
            memcpy(row_at(kind, after, after->count), row_at(kind, before, old), (same - old) * size);
        after->count += same - old;
        old = same;
        if (what == ROWS_END)
            return after->count <= ROWS_MOST;

        bool known = old < before->count && compare_keys(key_of(kind, row_at(kind, before, old)), key) == 0;
        if (known != (what != ROW_NEW) || after->count >= ROWS_MOST)
            return false;
        if (what != ROW_GONE) {
            void *row = row_at(kind, after, after->count++);
            memcpy(row, known ? row_at(kind, before, old) : &blank, size);
            if (!take_fields(&kinds[kind], view, row) || !adds_up(&kinds[kind], row) ||
                compare_keys(key_of(kind, row), key) != 0)
                return false;
        }
        old += known;
    }
}
