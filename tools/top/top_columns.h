/* SPDX-License-Identifier: BSD-3-Clause */
/* The columns of a view: which there are, which of them fit into a terminal, and what their titles are. */
#ifndef TM_TOP_COLUMNS_H
#define TM_TOP_COLUMNS_H

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

/* Its row in the table of base/columns.h; NULL if the field is no figure. */
struct tm__column;
const struct tm__column *tool_top_column_of(enum top_field field);

enum { TOP_COLUMNS = 32 };

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

#endif
