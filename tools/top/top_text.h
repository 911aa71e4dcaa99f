/* SPDX-License-Identifier: BSD-3-Clause */
/* Formats rows as text: cell by cell, and the line above a group of rows. */
#ifndef TM_TOP_TEXT_H
#define TM_TOP_TEXT_H

#include "common/numbers.h"
#include "top/top_columns.h"
#include "top/top_watch.h"

enum { TOP_CELL = 4 * 256 };

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
