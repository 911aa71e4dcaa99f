/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/exited_table.h"
#include "common/allocate.h"
#include "common/columns.h"
#include "common/totals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 32 };

static int by_name(const void *a, const void *b)
{
    const struct tool_exited *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static int by_peak(const void *a, const void *b)
{
    const struct tool_exited *left = a, *right = b;
    if (left->totals.peak_bytes != right->totals.peak_bytes)
        return left->totals.peak_bytes < right->totals.peak_bytes ? 1 : -1;
    return by_name(a, b);
}

static void add(struct tool_exited *sum, const struct tool_exited *more)
{
    tool_totals_add(&sum->totals, more->totals);
    if (more->totals.peak_bytes > sum->totals.peak_bytes)
        sum->totals.peak_bytes = more->totals.peak_bytes;
    tool_add_saturating(&sum->threads, more->threads);
}

struct tool_exited *tool_exited_by_name(const struct tm_retired *rows, size_t row_count, size_t *count)
{
    struct tool_exited *all = tool_allocate(row_count, sizeof *all);
    for (size_t i = 0; i < row_count; i++) {
        all[i] = (struct tool_exited){.threads = rows[i].tag[0] ? 0 : rows[i].accounts, .totals = rows[i].totals};
        all[i].totals.peak_bytes = rows[i].thread_peak_bytes;
        memcpy(all[i].name, rows[i].name, sizeof rows[i].name);
    }
    qsort(all, row_count, sizeof *all, by_name);
    *count = 0;
    for (size_t i = 0; i < row_count; i++)
        if (*count > 0 && strcmp(all[*count - 1].name, all[i].name) == 0)
            add(&all[*count - 1], &all[i]);
        else
            all[(*count)++] = all[i];
    qsort(all, *count, sizeof *all, by_peak);
    return all;
}

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
            add(&rest, &all[i]);
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
