/* SPDX-License-Identifier: BSD-3-Clause */
/* Formats what is in a cell, padded or cut to its width as a terminal counts it. */
#include "top/top_text.h"
#include "base/columns.h"
#include "common/numbers.h"
#include "common/printable.h"
#include "top/top_model.h"
#include "top/top_watch.h"

#include <stdio.h>
#include <string.h>

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
        format_figure(cell, tool_top_column_of(column->field), row);
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
