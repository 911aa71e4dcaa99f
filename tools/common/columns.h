/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of threads and tags with columns of figures: base/columns.h says which these are. */
#ifndef TM_COLUMNS_OF_TABLES_H
#define TM_COLUMNS_OF_TABLES_H

#include <stdbool.h>

#include "base/columns.h"
#include "common/table.h"

enum { TOOL_THREAD, TOOL_TID, TOOL_STATE, TOOL_FIGURES, TOOL_COLUMNS = TOOL_FIGURES + TM__COLUMNS + 1 };

enum tool_table_of { TOOL_OF_READING, TOOL_OF_RECORDING };

/* The columns that such a table has. */
struct tool_figures_table {
    struct tool_table table;
    struct tool_column columns[TOOL_COLUMNS];
    const struct tm__column *figures[TM__COLUMNS];
    int count;
};
void tool_begin_figures(struct tool_figures_table *table, FILE *out, enum tool_table_of of);

/* The titles of a table of threads. */
void tool_put_thread_titles(struct tool_figures_table *table);

/* The same of one of tags, whose last columns are there if they say something of a tag: its limit, and its state. */
void tool_put_tag_titles(struct tool_figures_table *table, bool limited, bool some_ended);

/* What is left of a thread's row, or of one that is a sum: then its peak is a bound. */
void tool_put_figures(struct tool_figures_table *table, const struct tm__figures *figures, bool peak_is_bound);
void tool_put_sum(struct tool_figures_table *table, const char *label, const struct tm__figures *figures);

/* A tag's row; `state` NULL: there is no such column. */
void tool_put_tag(struct tool_figures_table *table, const char *name, const struct tm__figures *figures,
                  const char *state);

#endif
