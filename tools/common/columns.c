/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/columns.h"
#include "common/numbers.h"

#include <stdio.h>

void tool_begin_figures(struct tool_figures_table *table, FILE *out, enum tool_table_of of)
{
    *table = (struct tool_figures_table){
        .columns = {[TOOL_THREAD] = {"THREAD", -16, 0}, [TOOL_TID] = {"TID", 9, 0}, [TOOL_STATE] = {"STATE", -8, 2}}};
    table->table = (struct tool_table){.out = out, .columns = table->columns};
    for (const struct tm__column *column = tm__columns; column < tm__columns + TM__COLUMNS; column++) {
        int width = of == TOOL_OF_READING ? column->table : column->report;
        if (width == 0)
            continue;
        table->columns[TOOL_FIGURES + table->count] = (struct tool_column){column->title, width, 0};
        table->figures[table->count++] = column;
    }
    table->columns[TOOL_FIGURES + table->count] = (struct tool_column){"STATE", 0, 2}; /* of tags */
}

void tool_put_thread_titles(struct tool_figures_table *table)
{
    bool has_limit = table->figures[table->count - 1]->unit == TM__LIMIT;
    tool_put_titles(&table->table, TOOL_FIGURES + table->count - has_limit);
    tool_end_row(&table->table);
}

void tool_put_tag_titles(struct tool_figures_table *table, bool limited, bool some_ended)
{
    tool_put_label(&table->table, "TAG", TOOL_FIGURES);
    tool_put_titles(&table->table, TOOL_FIGURES + table->count - !(limited || some_ended) + some_ended);
    tool_end_row(&table->table);
}

static void put_figure(struct tool_table *table, enum tm__unit unit, uint64_t figure, bool peak_is_bound)
{
    char bytes[TOOL_BYTES], peak[TOOL_BYTES + 4];
    if (unit == TM__COUNT) {
        tool_put_number(table, figure);
    } else if (unit == TM__PEAK) {
        snprintf(peak, sizeof peak, "%s%s", peak_is_bound ? "<= " : "", tool_format_bytes(bytes, figure));
        tool_put_text(table, peak);
    } else if (unit != TM__LIMIT || figure != 0) {
        tool_put_bytes(table, figure);
    }
}

/* All but a limit that is none: that is the last. */
static void put_figures(struct tool_figures_table *table, const struct tm__figures *figures, bool peak_is_bound)
{
    for (int i = 0; i < table->count; i++)
        put_figure(&table->table, table->figures[i]->unit, tm__figure(table->figures[i], figures), peak_is_bound);
}

void tool_put_figures(struct tool_figures_table *table, const struct tm__figures *figures, bool peak_is_bound)
{
    put_figures(table, figures, peak_is_bound);
    tool_end_row(&table->table);
}

void tool_put_sum(struct tool_figures_table *table, const char *label, const struct tm__figures *figures)
{
    tool_put_label(&table->table, label, TOOL_FIGURES);
    tool_put_figures(table, figures, true);
}

void tool_put_tag(struct tool_figures_table *table, const char *name, const struct tm__figures *figures,
                  const char *state)
{
    tool_put_label(&table->table, name, TOOL_FIGURES);
    put_figures(table, figures, true);
    if (state && figures->limit_bytes == 0)
        tool_put_text(&table->table, "");
    if (state)
        tool_put_text(&table->table, state);
    tool_end_row(&table->table);
}
