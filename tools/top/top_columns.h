/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows as text. */
#ifndef TM_TOP_COLUMNS_H
#define TM_TOP_COLUMNS_H

#include "common/numbers.h"
#include "top/top_watch.h"

enum top_view { TOP_PROCESSES, TOP_THREADS, TOP_TAGS, TOP_MATRIX };

enum top_field {
    TOP_NAME_FIELD,
    TOP_UID_FIELD,
    TOP_PID_FIELD,
    TOP_TID_FIELD,
    TOP_THREADS_FIELD,
    TOP_RESIDENT_FIELD,
    TOP_BAR_FIELD,
    TOP_HISTORY_FIELD,
    TOP_TAG_FIELD,     /* the matrix: what a thread owns in a tag, */
    TOP_NO_TAG_FIELD,  /* in none, */
    TOP_MORE_FIELD,    /* and in all tags that have no column */
    TOP_FIGURE_FIELDS, /* from here on, as many as base/columns.h has */
};

/* The column with a figure that has this key in JSON. */
enum top_field tool_top_figure_field(const char *key);

enum { TOP_COLUMNS = 32, TOP_CELL = 4 * 256 };

struct top_column {
    enum top_field field;
    int at, width;
    const struct top_row *tag; /* of TOP_TAG_FIELD */
};

struct top_layout {
    struct top_column columns[TOP_COLUMNS];
    int count;
};

/* The columns that fit into so many; the more important ones first to come, last to go. `users`: of processes, theirs. */
void tool_top_lay_out(struct top_layout *layout, enum top_view view, int width, const struct top_list *tags,
                      bool users);
const char *tool_top_title(const struct top_column *column, enum top_view view);
bool tool_top_sorts(enum top_field field, enum top_key key); /* the list is sorted by what is in this column */

struct top_scale {
    uint64_t largest; /* what fills a bar: the largest peak of all rows */
    bool ascii;
};

/* What stands in a column, padded to its width. Only the matrix's columns take the watch. */
char *tool_top_text(char text[TOP_CELL], const struct top_layout *layout, const struct top_column *column,
                    const struct top_row *row, const struct top_watch *watch, const struct top_scale *scale);
uint64_t tool_top_largest(const struct top_list *list);
char *tool_top_bar(char text[TOP_CELL], int width, uint64_t live, uint64_t peak, const struct top_scale *scale);
char *tool_top_sparkline(char text[TOP_CELL], int width, const struct top_row *row, bool ascii);
char *tool_top_count(char text[TOOL_BYTES], uint64_t count); /* at most 7 columns */
char *tool_top_grouped(char text[32], uint64_t count);       /* 78,000 */
char *tool_top_heading(char *text, size_t size, enum top_view view, enum top_group group, size_t count, uint64_t bytes);

#endif
