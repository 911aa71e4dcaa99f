/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/exited_table.h"
#include "common/columns.h"
#include "common/exited.h"
#include "common/totals.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 32 };

static void put_row(struct tool_figures_table *table, const struct tool_exited *row)
{
    tool_put_name(&table->table, row->name);
    tool_put_number(&table->table, row->threads);
    tool_put_text(&table->table, "");
    const struct tm__figures figures = tm__figures_of(&row->totals);
    tool_put_figures(table, &figures, false);
}

void tool_print_exited(FILE *out, const struct tm_retired *rows, size_t row_count)
{
    size_t count, others = 0, shown = 0;
    struct tool_exited *all = tool_exited_by_name(rows, row_count, &count), rest = {.threads = 0};
    struct tool_figures_table table;
    tool_begin_figures(&table, out, TOOL_OF_READING);
    table.columns[TOOL_THREAD].title = "EXITED";
    table.columns[TOOL_TID].title = "THREADS";
    table.columns[TOOL_STATE].title = "";
    for (size_t i = 0; i < count; i++) {
        if (tm__did_nothing(&all[i].totals))
            continue;
        if (shown == ROWS) {
            tool_exited_add(&rest, &all[i]);
            others++;
            continue;
        }
        if (shown++ == 0) {
            fputc('\n', out);
            tool_put_thread_titles(&table);
        }
        put_row(&table, &all[i]);
    }
    if (others > 0) {
        snprintf(rest.name, sizeof rest.name, "(%zu more)", others);
        put_row(&table, &rest);
    }
    free(all);
}
