/* SPDX-License-Identifier: BSD-3-Clause */
/* Formats rows as text. */
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
    TOP_TAG_FIELD,     /* in the matrix: the live bytes of a thread in one tag, */
    TOP_NO_TAG_FIELD,  /* in no tag, */
    TOP_MORE_FIELD,    /* and in all tags that have no column of their own */
    TOP_FIGURE_FIELDS, /* the first of the columns in base/columns.h */
};

/* The column whose figure has this key in JSON. */
enum top_field tool_top_figure_field(const char *key);

enum { TOP_COLUMNS = 32, TOP_CELL = 4 * 256 };

struct top_column {
    enum top_field field;
    int at, width;
    const struct top_row *tag; /* for TOP_TAG_FIELD only */
};

struct top_layout {
    struct top_column columns[TOP_COLUMNS];
    int count;
};

/*
 * Chooses the columns that fit into a terminal of this width; the less important ones are left out first. `users`: the
 * processes have a column for the user.
 */
void tool_top_lay_out(struct top_layout *layout, enum top_view view, int width, const struct top_list *tags,
                      bool users);
const char *tool_top_title(const struct top_column *column, enum top_view view);
bool tool_top_sorts(enum top_field field, enum top_key key); /* true if a list with this key is sorted by this column */

struct top_scale {
    uint64_t largest; /* the bytes that a full bar stands for: the largest peak of all rows */
    bool ascii;
};

/* Formats one cell, padded to the column's width. `watch` is read by the columns of the matrix only. */
char *tool_top_text(char text[TOP_CELL], const struct top_layout *layout, const struct top_column *column,
                    const struct top_row *row, const struct top_watch *watch, const struct top_scale *scale);
uint64_t tool_top_largest(const struct top_list *list);
char *tool_top_bar(char text[TOP_CELL], int width, uint64_t live, uint64_t peak, const struct top_scale *scale);
char *tool_top_sparkline(char text[TOP_CELL], int width, const struct top_row *row, bool ascii);
char *tool_top_count(char text[TOOL_BYTES], uint64_t count); /* at most 7 columns */
char *tool_top_grouped(char text[32], uint64_t count);       /* 78,000 */
char *tool_top_heading(char *text, size_t size, enum top_view view, enum top_group group, size_t count, uint64_t bytes);

#endif
