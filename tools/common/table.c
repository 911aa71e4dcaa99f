/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/table.h"
#include "common/numbers.h"
#include "common/printable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct tool_column *begin_cell(struct tool_table *table)
{
    const struct tool_column *column = &table->columns[table->next++];
    fprintf(table->out, "%*s", column->gap, "");
    return column;
}

void tool_put_titles(struct tool_table *table, int last)
{
    while (table->next < last)
        tool_put_text(table, table->columns[table->next].title);
}

void tool_put_name(struct tool_table *table, const char *name)
{
    char text[TOOL_FIT];
    /* A negative width means left-aligned, as in printf(); in tool_fit() it is the other way round. */
    fputs(tool_fit(text, name, -begin_cell(table)->width), table->out);
}

void tool_put_text(struct tool_table *table, const char *text)
{
    fprintf(table->out, "%*s", begin_cell(table)->width, text);
}

void tool_put_number(struct tool_table *table, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    tool_put_text(table, text);
}

void tool_put_pid(struct tool_table *table, pid_t pid)
{
    char text[16];
    snprintf(text, sizeof text, "%d", (int)pid);
    tool_put_text(table, text);
}

void tool_put_bytes(struct tool_table *table, uint64_t bytes)
{
    char text[TOOL_BYTES];
    tool_put_text(table, tool_format_bytes(text, bytes));
}

void tool_put_label(struct tool_table *table, const char *label, int last)
{
    char text[TOOL_FIT];
    int width = -table->columns[table->next].gap;
    for (int i = table->next; i < last; i++)
        width += table->columns[i].gap + abs(table->columns[i].width);
    begin_cell(table);
    fputs(tool_fit(text, label, width), table->out);
    table->next = last;
}

void tool_end_row(struct tool_table *table)
{
    fputc('\n', table->out);
    table->next = 0;
}
