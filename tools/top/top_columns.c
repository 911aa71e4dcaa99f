/* SPDX-License-Identifier: BSD-3-Clause */
/* Formats rows as text: which columns fit, and what is in them. Of the terminal, this file knows the width only. */
#include "top/top_columns.h"
#include "base/columns.h"
#include "common/numbers.h"
#include "common/printable.h"
#include "top/top_model.h"
#include "top/top_watch.h"

#include <stdio.h>
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

static const struct tm__column *column_of(enum top_field field)
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
    const struct tm__column *figure = column_of(column->field);
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

char *tool_top_count(char text[TOOL_BYTES], uint64_t count)
{
    static const char units[] = " kMGTPE";
    double value = (double)count;
    int unit = 0;
    if (count < 10000000) {
        snprintf(text, TOOL_BYTES, "%u", (unsigned)count);
        return text;
    }
    while (value >= 999.5 && unit < 6) {
        value /= 1000;
        unit++;
    }
    snprintf(text, TOOL_BYTES, "%.*f%c", value >= 99.95 ? 0 : 1, value, units[unit]);
    return text;
}

char *tool_top_grouped(char text[32], uint64_t count)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), used = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

uint64_t tool_top_largest(const struct top_list *list)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < list->shown_count; i++) {
        const struct top_row *row = &list->rows[list->shown[i]];
        /* The peak of exited threads is a sum of peaks that were not reached at the same time. */
        uint64_t bytes = row->group == TOP_REST && row->peak_is_bound ? 0 : row->totals.peak_bytes;
        largest = bytes > largest ? bytes : largest;
    }
    return largest;
}

static size_t put(char text[TOP_CELL], size_t used, const char *cell)
{
    size_t length = strlen(cell);
    if (used + length + 1 > TOP_CELL)
        return used;
    memcpy(text + used, cell, length + 1);
    return used + length;
}

char *tool_top_bar(char text[TOP_CELL], int width, uint64_t live, uint64_t peak, const struct top_scale *scale)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double unit = scale->largest ? 8.0 * width / (double)scale->largest : 0;
    int eighths = (int)((double)live * unit + 0.5), until = (int)((double)peak * unit / 8 + 0.5);
    size_t used = 0;
    if (scale->ascii)
        eighths = (eighths + 4) / 8 * 8;
    text[0] = '\0';
    for (int i = 0; i < width; i++, eighths -= 8)
        if (eighths >= 8)
            used = put(text, used, scale->ascii ? "#" : "█");
        else if (eighths > 0)
            used = put(text, used, parts[eighths]);
        else
            used = put(text, used, i >= until ? " " : scale->ascii ? "-" : "░");
    return text;
}

char *tool_top_sparkline(char text[TOP_CELL], int width, const struct top_row *row, bool ascii)
{
    static const char *const levels[2][9] = {{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
                                             {" ", ".", ":", "-", "=", "+", "*", "%", "#"}};
    size_t used = 0, shown = row->readings < (size_t)width ? row->readings : (size_t)width;
    const uint64_t *history = row->history + row->readings - shown;
    uint64_t largest = 0;
    for (size_t i = 0; i < shown; i++)
        largest = history[i] > largest ? history[i] : largest;
    text[0] = '\0';
    for (size_t i = shown; i < (size_t)width; i++)
        used = put(text, used, " ");
    for (size_t i = 0; i < shown; i++) {
        int level = largest ? (int)(8 * ((double)history[i] / (double)largest) + 0.5) : 0;
        if (level == 0 && history[i])
            level = 1; /* a small value must look different from zero */
        used = put(text, used, levels[ascii][level]);
    }
    return text;
}

/* Pads or cuts a text to the width. */
static void pad(char text[TOP_CELL], const char *cell, int width, bool left)
{
    size_t length;
    int blanks = width - tool_columns(cell, width, &length);
    snprintf(text, TOP_CELL, "%*s%.*s%*s", left ? 0 : blanks, "", (int)length, cell, left ? blanks : 0, "");
}

static void format_rate(char text[32], uint64_t rate)
{
    char bytes[TOOL_BYTES];
    if (rate == TOP_UNKNOWN)
        strcpy(text, "-");
    else
        snprintf(text, 32, "%s/s", tool_format_bytes(bytes, rate));
}

static void format_share(char text[32], uint64_t share)
{
    if (share == TOP_UNKNOWN)
        strcpy(text, "-");
    else
        snprintf(text, 32, "%llu%%", (unsigned long long)share);
}

static void format_known(char text[32], uint64_t bytes, uint64_t unknown)
{
    if (bytes == unknown)
        strcpy(text, "-");
    else
        tool_format_bytes(text, bytes);
}

/* The live bytes of a thread in no tag, or in all tags that have no column of their own. */
static uint64_t rest_of(const struct top_layout *layout, enum top_field field, const struct top_row *row,
                        const struct top_watch *watch)
{
    uint64_t untagged = row->id ? tool_top_cell(watch, row->id, 0) : tm_live_bytes(&row->totals);
    uint64_t rest = tm_live_bytes(&row->totals) - untagged;
    if (field == TOP_NO_TAG_FIELD)
        return untagged;
    for (int i = 0; i < layout->count; i++)
        if (layout->columns[i].field == TOP_TAG_FIELD)
            rest -= tool_top_cell(watch, row->id, (int32_t)layout->columns[i].tag->id);
    return rest;
}

static void format_figure(char text[32], const struct tm__column *column, const struct top_row *row)
{
    struct tm__figures figures = tm__figures_of(&row->totals);
    figures.limit_bytes = row->limit_bytes;
    figures.allocated_bytes_per_second = row->rate;
    uint64_t figure = tm__figure(column, &figures);
    switch (column->unit) {
    case TM__RATE:
        format_rate(text, figure);
        break;
    case TM__COUNT:
        tool_top_count(text, figure);
        break;
    case TM__PERCENT:
        format_share(text, figure);
        break;
    case TM__PEAK: /* for exited threads it is a sum of peaks that were not reached at the same time */
        format_known(text, row->group == TOP_REST && row->peak_is_bound ? TOP_UNKNOWN : figure, TOP_UNKNOWN);
        break;
    case TM__LIMIT:
        format_known(text, figure, 0);
        break;
    case TM__BYTES:
        tool_format_bytes(text, figure);
        break;
    }
}

char *tool_top_text(char text[TOP_CELL], const struct top_layout *layout, const struct top_column *column,
                    const struct top_row *row, const struct top_watch *watch, const struct top_scale *scale)
{
    char cell[32] = "";
    switch (column->field) {
    case TOP_NAME_FIELD:
        pad(text, row->name, column->width, true);
        return text;
    case TOP_BAR_FIELD:
        if (row->group == TOP_REST && row->peak_is_bound)
            break;
        return tool_top_bar(text, column->width, tm_live_bytes(&row->totals), row->totals.peak_bytes, scale);
    case TOP_HISTORY_FIELD:
        return tool_top_sparkline(text, column->width, row, scale->ascii);
    case TOP_UID_FIELD:
        snprintf(cell, sizeof cell, "%u", (unsigned)row->uid);
        break;
    case TOP_PID_FIELD:
    case TOP_TID_FIELD:
        snprintf(cell, sizeof cell, row->number ? "%d" : "-", (int)row->number);
        break;
    case TOP_THREADS_FIELD:
        tool_top_count(cell, row->threads);
        break;
    case TOP_RESIDENT_FIELD:
        format_known(cell, row->resident_bytes, TOP_UNKNOWN);
        break;
    case TOP_TAG_FIELD:
        tool_format_bytes(cell, row->id ? tool_top_cell(watch, row->id, (int32_t)column->tag->id) : 0);
        break;
    case TOP_NO_TAG_FIELD:
    case TOP_MORE_FIELD:
        tool_format_bytes(cell, rest_of(layout, column->field, row, watch));
        break;
    default:
        format_figure(cell, column_of(column->field), row);
    }
    pad(text, cell, column->width, false);
    return text;
}

char *tool_top_heading(char *text, size_t size, enum top_view view, enum top_group group, size_t count, uint64_t bytes)
{
    static const char *const left[][2] = {
        [TOP_PROCESSES] = {"process that has ended", "processes that have ended"},
        [TOP_THREADS] = {"orphan: a thread that exited", "orphans: threads that exited"},
        [TOP_TAGS] = {"tag that has ended", "tags that have ended"},
        [TOP_MATRIX] = {"orphan: a thread that exited", "orphans: threads that exited"}};
    char owned[TOOL_BYTES];
    if (group == TOP_REST)
        snprintf(text, size, "no one thread's");
    else if (group == TOP_UNSEEN)
        snprintf(text, size, "%zu process%s that cannot be seen from here; %s live", count, count == 1 ? "" : "es",
                 tool_format_bytes(owned, bytes));
    else
        snprintf(text, size, "%zu %s; %s left", count, left[view][count != 1], tool_format_bytes(owned, bytes));
    return text;
}
