/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists of rows that are updated at each reading: rates, history, order, filter. This file knows no reader, no
 * terminal.
 */
#include "top/top_model.h"
#include "base/columns.h"
#include "common/allocate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_ids(const void *a, const void *b)
{
    const struct top_row *one = a, *other = b;
    int order = compare_numbers(one->id, other->id);
    return order ? order : compare_numbers(one->birth, other->birth);
}

void tool_top_begin(struct top_list *list, uint64_t time_ns)
{
    struct top_row *rows = list->previous;
    size_t capacity = list->previous_capacity;
    list->previous = list->rows;
    list->previous_count = list->count;
    list->previous_capacity = list->capacity;
    list->rows = rows;
    list->count = 0;
    list->capacity = capacity;
    list->elapsed = list->time_ns && time_ns > list->time_ns ? time_ns - list->time_ns : 0;
    list->time_ns = time_ns;
}

static uint64_t rate_of(uint64_t bytes, uint64_t elapsed)
{
    return (uint64_t)((double)bytes * 1e9 / (double)elapsed + 0.5);
}

void tool_top_follow(struct top_row *row, const struct tm_totals *totals, uint64_t elapsed)
{
    /* Counters only grow: if this one is less, the id belongs to something new, which began at 0. */
    uint64_t previous = row->totals.allocated_bytes <= totals->allocated_bytes ? row->totals.allocated_bytes : 0;
    row->rate = elapsed ? rate_of(totals->allocated_bytes - previous, elapsed) : TOP_UNKNOWN;
    row->totals = *totals;
    if (row->readings == TOP_HISTORY)
        memmove(row->history, row->history + 1, sizeof row->history - sizeof row->history[0]);
    else
        row->readings++;
    row->history[row->readings - 1] = tm_live_bytes(totals);
}

struct top_row *tool_top_put(struct top_list *list, uint64_t id, uint64_t birth, const struct tm_totals *totals)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 16;
        list->rows = tool_resize(list->rows, list->capacity, sizeof *list->rows);
    }
    struct top_row *row = &list->rows[list->count++];
    struct top_row wanted = {.id = id, .birth = birth};
    const struct top_row *previous =
        list->previous_count ? bsearch(&wanted, list->previous, list->previous_count, sizeof wanted, compare_ids)
                             : NULL;
    *row = previous ? *previous : wanted;
    tool_top_follow(row, totals, previous || list->all_seen ? list->elapsed : 0);
    return row;
}

static const char *const key_names[TOP_KEYS] = {"live", "peak", "blocks", "rate", "others", "name"};

const char *tool_top_key_name(enum top_key key)
{
    return key_names[key];
}

bool tool_top_parse_key(const char *name, enum top_key *key)
{
    for (int i = 0; i < TOP_KEYS; i++)
        if (strcmp(name, key_names[i]) == 0) {
            *key = (enum top_key)i;
            return true;
        }
    return false;
}

uint64_t tool_top_share(const struct tm_totals *totals)
{
    return tm__figures_of(totals).remote_percent; /* TM__NO_FIGURE is TOP_UNKNOWN */
}

static uint64_t or_zero(uint64_t value) /* unknown values are sorted as the smallest */
{
    return value == TOP_UNKNOWN ? 0 : value;
}

int tool_top_compare(const struct tm_totals *a, const struct tm_totals *b, enum top_key key)
{
    switch (key) {
    case TOP_PEAK:
        return compare_numbers(b->peak_bytes, a->peak_bytes);
    case TOP_BLOCKS:
        return compare_numbers(tm_live_blocks(b), tm_live_blocks(a));
    case TOP_OTHERS: {
        int order = compare_numbers(or_zero(tool_top_share(b)), or_zero(tool_top_share(a)));
        return order ? order : compare_numbers(b->remote_frees_received_bytes, a->remote_frees_received_bytes);
    }
    default:
        return compare_numbers(tm_live_bytes(b), tm_live_bytes(a));
    }
}

static int compare_rows(const struct top_row *a, const struct top_row *b, enum top_key key)
{
    switch (key) {
    case TOP_RATE:
        return compare_numbers(or_zero(b->rate), or_zero(a->rate));
    case TOP_BY_NAME:
        return strcasecmp(a->name, b->name);
    default:
        return tool_top_compare(&a->totals, &b->totals, key);
    }
}

static int compare_shown(const void *a, const void *b, void *arg)
{
    const struct top_list *list = arg;
    const struct top_row *one = &list->rows[*(const size_t *)a], *other = &list->rows[*(const size_t *)b];
    if (one->group != other->group)
        return one->group < other->group ? -1 : 1;
    int order = compare_rows(one, other, list->key);
    if (order)
        return list->reversed ? -order : order;
    return compare_ids(one, other); /* so equal rows stay in the same order from reading to reading */
}

bool tool_top_passes(const char *name, const char *filter)
{
    return strcasestr(name, filter) != NULL;
}

/* The cursor follows its row; but at the top it stays there, so that a user who never moves it sees the largest row. */
static void update_shown(struct top_list *list, const struct top_row *selected)
{
    if (list->count > list->shown_capacity) {
        list->shown_capacity = list->capacity;
        list->shown = tool_resize(list->shown, list->shown_capacity, sizeof *list->shown);
    }
    list->shown_count = 0;
    for (size_t i = 0; i < list->count; i++)
        if (tool_top_passes(list->rows[i].name, list->filter))
            list->shown[list->shown_count++] = i;
    if (list->shown_count)
        qsort_r(list->shown, list->shown_count, sizeof *list->shown, compare_shown, list);
    for (size_t i = 0; selected && list->cursor > 0 && i < list->shown_count; i++)
        if (compare_ids(&list->rows[list->shown[i]], selected) == 0) {
            list->cursor = i;
            return;
        }
    if (list->cursor >= list->shown_count)
        list->cursor = list->shown_count ? list->shown_count - 1 : 0;
}

void tool_top_end(struct top_list *list)
{
    const struct top_row *selected = NULL;
    if (list->cursor < list->shown_count)
        selected = &list->previous[list->shown[list->cursor]];
    if (list->count)
        qsort(list->rows, list->count, sizeof *list->rows, compare_ids);
    update_shown(list, selected);
}

void tool_top_free(struct top_list *list)
{
    free(list->rows);
    free(list->previous);
    free(list->shown);
    /* The user chose the order, so it stays. */
    *list = (struct top_list){.all_seen = list->all_seen, .key = list->key, .reversed = list->reversed};
}

void tool_top_sort(struct top_list *list, enum top_key key, bool reversed)
{
    const struct top_row *selected = tool_top_selected(list);
    list->key = key;
    list->reversed = reversed;
    update_shown(list, selected);
}

void tool_top_filter(struct top_list *list, const char *text)
{
    const struct top_row *selected = tool_top_selected(list);
    if (text != list->filter)
        snprintf(list->filter, sizeof list->filter, "%s", text);
    update_shown(list, selected);
}

void tool_top_move(struct top_list *list, long by)
{
    long to = (long)list->cursor + by, last = (long)list->shown_count - 1;
    list->cursor = to < 0 || last < 0 ? 0 : to > last ? (size_t)last : (size_t)to;
}

const struct top_row *tool_top_selected(const struct top_list *list)
{
    return list->cursor < list->shown_count ? &list->rows[list->shown[list->cursor]] : NULL;
}
