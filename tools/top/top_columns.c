/* SPDX-License-Identifier: BSD-3-Clause */
/* Chooses the columns that fit. Of the terminal, this file knows the width only. */
#include "top/top_columns.h"
#include "base/columns.h"
#include "top/top_model.h"

#include <string.h>

/*
 * Columns with a low rank are shown in a narrow terminal, too. Those with a rank of EXTRA or more are shown only if
 * that leaves ROOM_FOR_PICTURES for the bar and the history.
 */
enum { EXTRA = 10, RANKS = 32, ROOM_FOR_PICTURES = 24, LEAST_PICTURE = 4, WIDEST_BAR = 32, TAG_WIDTH = 10 };

struct wanted {
    enum top_field field;
    int width, rank;
};

/* The columns before the figures, and after them. */
enum { BEFORE = 4, WANTED = BEFORE + TM__COLUMNS + 1 };
static const struct {
    struct wanted before[BEFORE], after;
} views[] = {
    [TOP_PROCESSES] =
        {{{TOP_NAME_FIELD, 15, 0}, {TOP_UID_FIELD, 10, 1}, {TOP_PID_FIELD, 7, 1}, {TOP_THREADS_FIELD, 7, 4}},
         {TOP_RESIDENT_FIELD, 8, 3}},
    [TOP_THREADS] = {{{TOP_NAME_FIELD, 17, 0}, {TOP_TID_FIELD, 7, 2}}, {0}},
    [TOP_TAGS] = {{{TOP_NAME_FIELD, 0, 0}}, {0}}, /* tags have long names: see name_width() */
    [TOP_MATRIX] = {{{TOP_NAME_FIELD, 17, 0}, {TOP_TID_FIELD, 7, 2}}, {0}},
};

/* The rank of a figure in a view; 0: the view does not have it. The matrix has only the first figure. */
static int rank_in(const struct tm__top_column *column, enum top_view view)
{
    return view == TOP_PROCESSES ? column->of_processes
           : view == TOP_THREADS ? column->of_threads
           : view == TOP_TAGS    ? column->of_tags
           : column->place == 1  ? column->of_threads
                                 : 0;
}

static int name_width(int width)
{
    int share = width / 4;
    return share < 15 ? 15 : share > TOP_NAME - 1 ? TOP_NAME - 1 : share;
}

/* Lists all columns of a view in their order, and returns how many there are. */
static int list_wanted(struct wanted wanted[WANTED], enum top_view view, int width)
{
    int count = 0;
    for (int i = 0; i < BEFORE && (i == 0 || views[view].before[i].width != 0); i++)
        wanted[count++] = views[view].before[i];
    if (wanted[0].width == 0)
        wanted[0].width = name_width(width);
    for (int place = 1; place <= TM__COLUMNS; place++)
        for (int i = 0; i < TM__COLUMNS; i++) {
            const struct tm__top_column *column = &tm__columns[i].top;
            if (column->place == place && rank_in(column, view) != 0)
                wanted[count++] = (struct wanted){TOP_FIGURE_FIELDS + i, column->width, rank_in(column, view)};
        }
    if (views[view].after.width != 0)
        wanted[count++] = views[view].after;
    return count;
}

enum top_field tool_top_figure_field(const char *key)
{
    int i = 0;
    while (tm__columns[i].top.width == 0 || strcmp(tm__columns[i].key, key) != 0)
        i++;
    return TOP_FIGURE_FIELDS + i;
}

const struct tm__column *tool_top_column_of(enum top_field field)
{
    return field < TOP_FIGURE_FIELDS ? NULL : &tm__columns[field - TOP_FIGURE_FIELDS];
}

/* Appends a column, unless the layout has as many as it can hold. */
static void append(struct top_layout *layout, enum top_field field, int width, int *left, const struct top_row *tag)
{
    const struct top_column *last = layout->count ? &layout->columns[layout->count - 1] : NULL;
    int at = last ? last->at + last->width + 1 : 0;
    if (layout->count == TOP_COLUMNS)
        return;
    layout->columns[layout->count++] = (struct top_column){field, at, width, tag};
    *left -= width + 1;
}

static void append_tags(struct top_layout *layout, int left, const struct top_list *tags)
{
    int fit = left / (TAG_WIDTH + 1) - 1; /* one place is for TOP_NO_TAG_FIELD */
    if (fit > TOP_COLUMNS - layout->count - 1)
        fit = TOP_COLUMNS - layout->count - 1;
    bool all = fit >= 0 && tags->shown_count <= (size_t)fit && tags->shown_count == tags->count;
    if (!all)
        fit--;
    for (int i = 0; i < fit && (size_t)i < tags->shown_count; i++)
        append(layout, TOP_TAG_FIELD, TAG_WIDTH, &left, &tags->rows[tags->shown[i]]);
    if (fit >= 0)
        append(layout, TOP_NO_TAG_FIELD, TAG_WIDTH, &left, NULL);
    if (fit >= 0 && !all)
        append(layout, TOP_MORE_FIELD, TAG_WIDTH, &left, NULL);
}

static void append_pictures(struct top_layout *layout, int left)
{
    bool both = left >= 2 * (LEAST_PICTURE + 1);
    int bar = (both ? left / 2 : left) - 1;
    if (bar > WIDEST_BAR)
        bar = WIDEST_BAR;
    if (bar >= LEAST_PICTURE)
        append(layout, TOP_BAR_FIELD, bar, &left, NULL);
    int history = left - 1 > TOP_HISTORY ? TOP_HISTORY : left - 1;
    if (both)
        append(layout, TOP_HISTORY_FIELD, history, &left, NULL);
}

void tool_top_lay_out(struct top_layout *layout, enum top_view view, int width, const struct top_list *tags, bool users)
{
    struct wanted wanted[WANTED];
    bool taken[WANTED] = {false};
    int count = list_wanted(wanted, view, width), left = width + 1; /* the last column needs no blank after it */
    for (int rank = 0; rank < RANKS; rank++)
        for (int i = 0; i < count; i++) {
            int needs = wanted[i].width + 1 + (rank >= EXTRA ? ROOM_FOR_PICTURES : 0);
            if (wanted[i].rank != rank || needs > left || (wanted[i].field == TOP_UID_FIELD && !users))
                continue;
            taken[i] = true;
            left -= wanted[i].width + 1;
        }
    layout->count = 0;
    for (int i = 0; i < count; i++) {
        int unused = 0;
        if (taken[i])
            append(layout, wanted[i].field, wanted[i].width, &unused, NULL);
    }
    if (view == TOP_MATRIX)
        append_tags(layout, left, tags);
    else
        append_pictures(layout, left);
}

const char *tool_top_title(const struct top_column *column, enum top_view view)
{
    const struct tm__column *figure = tool_top_column_of(column->field);
    if (figure)
        return figure->unit == TM__PEAK && view != TOP_THREADS ? "PEAK <=" : figure->top.title;
    switch (column->field) {
    case TOP_NAME_FIELD:
        return view == TOP_PROCESSES ? "PROGRAM" : view == TOP_TAGS ? "TAG" : "THREAD";
    case TOP_UID_FIELD:
        return "UID";
    case TOP_PID_FIELD:
        return "PID";
    case TOP_TID_FIELD:
        return "TID";
    case TOP_THREADS_FIELD:
        return "THREADS";
    case TOP_RESIDENT_FIELD:
        return "RESIDENT";
    case TOP_BAR_FIELD:
        return column->width >= 12 ? "LIVE, PEAK" : "";
    case TOP_HISTORY_FIELD:
        return column->width >= 7 ? "HISTORY" : "";
    case TOP_TAG_FIELD:
        return column->tag->name;
    case TOP_NO_TAG_FIELD:
        return "(none)";
    case TOP_MORE_FIELD:
        return "(others)";
    case TOP_FIGURE_FIELDS:
        break;
    }
    return "";
}

bool tool_top_sorts(enum top_field field, enum top_key key)
{
    static const char *const keys[TOP_KEYS] = {[TOP_LIVE] = "live_bytes",
                                               [TOP_PEAK] = "peak_bytes",
                                               [TOP_BLOCKS] = "live_blocks",
                                               [TOP_RATE] = "allocated_bytes_per_second",
                                               [TOP_OTHERS] = "remote_percent"};
    return keys[key] ? field == tool_top_figure_field(keys[key]) : field == TOP_NAME_FIELD;
}
