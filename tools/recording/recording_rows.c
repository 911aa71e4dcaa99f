/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows and their changes, for all kinds of rows. This file does not know frames and files. */
#include "recording/recording_rows.h"
#include "common/allocate.h"
#include "recording/recording_bytes.h"
#include "recording/recording_format.h"
#include "recording/recording_kinds.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

size_t row_size(enum row_kind kind)
{
    return recording_kinds[kind].size;
}

void rows_reserve(enum row_kind kind, struct rows *rows, size_t count)
{
    if (rows->capacity < count) {
        rows->capacity = count + count / 2;
        rows->row = tool_resize(rows->row, rows->capacity, recording_kinds[kind].size);
    }
}

void rows_set(enum row_kind kind, struct rows *rows, const void *array, size_t count)
{
    const size_t size = recording_kinds[kind].size;
    size_t kept = 0;
    count = count < ROWS_MOST ? count : ROWS_MOST;
    rows_reserve(kind, rows, count);
    if (count > 0)
        memcpy(rows->row, array, count * size);
    if (count > 1)
        qsort_r(rows->row, count, size, compare_rows, &kind);
    for (size_t i = 0; i < count; i++) {
        const void *row = row_at(kind, rows, i);
        if (row_is_sound(&recording_kinds[kind], row) &&
            (kept == 0 || compare_rows(row_at(kind, rows, kept - 1), row, &kind) != 0))
            memmove(row_at(kind, rows, kept++), row, size);
    }
    rows->count = kept;
}

/* Maps signed numbers to unsigned ones, those near 0 to small ones: 0, -1, 1, -2, … become 0, 1, 2, 3, … */
static uint64_t fold(uint64_t difference)
{
    return difference << 1 ^ (difference >> 63 ? UINT64_MAX : 0);
}

static uint64_t unfold(uint64_t folded)
{
    return folded >> 1 ^ (folded & 1 ? UINT64_MAX : 0);
}

/* ---- changes ---- */

/* What happened to a row. Its key follows, as the difference to the previous key. */
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
                       : field_get(field, before) != field_get(field, after);
}

static void put_field(const struct field *field, struct bytes *bytes, const void *before, const void *after)
{
    if (field->text) {
        size_t length = strnlen(text_of(field, after), field->size - 1u);
        bytes_put_number(bytes, length);
        bytes_put(bytes, text_of(field, after), length);
    } else {
        bytes_put_number(bytes, fold(field_get(field, after) - field_get(field, before)));
    }
}

static uint64_t changed_fields(const struct kind *kind, const void *before, const void *after)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < kind->field_count; i++)
        mask |= (uint64_t)differs(&kind->fields[i], before, after) << i;
    return mask;
}

/* A new row is written as the changes to this one. */
static const union {
    struct process_row process;
    struct tm_thread_reading thread;
    struct tm_tag_reading tag;
    struct tm_slot slot;
    struct tm_flow flow;
} blank;

/*
 * Fields of the same name are written together, after the keys: similar numbers next to each other are compressed
 * better, and in a third of the time.
 */
void rows_put_changes(enum row_kind kind, struct bytes *bytes, const struct rows *before, const struct rows *after)
{
    const struct kind *fields = &recording_kinds[kind];
    struct bytes columns[FIELDS_MOST] = {{0}};
    struct key last = {0, 0};
    size_t old = 0, new = 0;
    while (old < before->count || new < after->count) {
        const void *was = row_at(kind, before, old), *is = row_at(kind, after, new);
        int order = old == before->count ? 1 : new == after->count ? -1 : compare_rows(was, is, &kind);
        const void *from = order > 0 ? &blank : was;
        uint64_t mask = order < 0 ? 0 : changed_fields(fields, from, is);
        if (order != 0 || mask != 0) {
            bytes_put_number(bytes, order == 0 ? ROW_CHANGED : order > 0 ? ROW_NEW : ROW_GONE);
            put_key(bytes, &last, row_key(kind, order < 0 ? was : is));
        }
        if (order > 0 || mask != 0)
            bytes_put_number(bytes, mask);
        for (size_t i = 0; mask >> i != 0; i++)
            if (mask >> i & 1)
                put_field(&fields->fields[i], &columns[i], from, is);
        old += order <= 0;
        new += order >= 0;
    }
    bytes_put_number(bytes, ROWS_END);
    for (size_t i = 0; i < fields->field_count; i++) {
        bytes_put(bytes, columns[i].data, columns[i].size);
        free(columns[i].data);
    }
}

static bool take_field(const struct field *field, struct view *view, void *row)
{
    uint64_t number = view_number(view);
    if (!field->text)
        return field_set(field, row, field_get(field, row) + unfold(number)) && view->data;
    const char *text = number < field->size ? view_take(view, number) : NULL;
    if (!text || memchr(text, '\0', number))
        return false;
    memset((char *)row + field->offset, 0, field->size);
    memcpy((char *)row + field->offset, text, number);
    return true;
}

/* A row that has changed, or is new, as it is read. */
struct change {
    size_t row;
    uint64_t mask;
    struct key key;
};

struct changes {
    struct change *list;
    size_t count, capacity;
};

static void add_change(struct changes *changes, struct change change)
{
    if (changes->count == changes->capacity) {
        changes->capacity = 2 * changes->capacity + 64;
        changes->list = tool_resize(changes->list, changes->capacity, sizeof *changes->list);
    }
    changes->list[changes->count++] = change;
}

/* Of a row, or in the version that has columns, of all rows one field after another. */
static bool take_fields(enum row_kind kind, struct view *view, const struct change *changes, size_t count,
                        const struct rows *rows)
{
    const struct kind *fields = &recording_kinds[kind];
    for (size_t i = 0; i < fields->field_count; i++)
        for (size_t k = 0; k < count; k++)
            if (changes[k].mask >> i & 1 && !take_field(&fields->fields[i], view, row_at(kind, rows, changes[k].row)))
                return false;
    for (size_t k = 0; k < count; k++) {
        const void *row = row_at(kind, rows, changes[k].row);
        if (changes[k].mask >> fields->field_count != 0 || !row_adds_up(fields, row) ||
            compare_keys(row_key(kind, row), changes[k].key) != 0)
            return false;
    }
    return true;
}

static bool take_key(struct view *view, struct key *last, bool first)
{
    uint64_t step = view_number(view), minor = view_number(view);
    struct key key = {last->major + step, step == 0 ? last->minor + minor : minor};
    bool ascends = first || compare_keys(*last, key) < 0; /* false, too, if the key has wrapped around */
    *last = key;
    return ascends;
}

static bool take_changes(enum row_kind kind, int version, struct view *view, const struct rows *before,
                         struct rows *after, struct changes *changes)
{
    const size_t size = recording_kinds[kind].size;
    struct key key = {0, 0};
    size_t old = 0;
    bool first = true;
    after->count = 0;
    for (;;) {
        uint64_t what = view_number(view);
        if (what > ROW_GONE || !view->data || (what != ROWS_END && !take_key(view, &key, first)))
            return false;
        first = false;

        /* A row that is not mentioned has not changed. */
        size_t same = old;
        while (same < before->count &&
               (what == ROWS_END || compare_keys(row_key(kind, row_at(kind, before, same)), key) < 0))
            same++;
        rows_reserve(kind, after, after->count + (same - old) + 1);
        if (same > old)
            memcpy(row_at(kind, after, after->count), row_at(kind, before, old), (same - old) * size);
        after->count += same - old;
        old = same;
        if (what == ROWS_END)
            return after->count <= ROWS_MOST && take_fields(kind, view, changes->list, changes->count, after);

        bool known = old < before->count && compare_keys(row_key(kind, row_at(kind, before, old)), key) == 0;
        if (known != (what != ROW_NEW) || after->count >= ROWS_MOST)
            return false;
        if (what != ROW_GONE) {
            struct change change = {after->count++, view_number(view), key};
            memcpy(row_at(kind, after, change.row), known ? row_at(kind, before, old) : &blank, size);
            if (version > RECORDING_VERSION_ROWS)
                add_change(changes, change);
            else if (!take_fields(kind, view, &change, 1, after))
                return false;
        }
        old += known;
    }
}

bool rows_take_changes(enum row_kind kind, int version, struct view *view, const struct rows *before,
                       struct rows *after)
{
    struct changes changes = {0};
    bool good = take_changes(kind, version, view, before, after, &changes);
    free(changes.list);
    return good;
}
