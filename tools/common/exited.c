/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/exited.h"
#include "common/allocate.h"
#include "common/totals.h"

#include <stdlib.h>
#include <string.h>

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

void tool_exited_add(struct tool_exited *sum, const struct tool_exited *more)
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
            tool_exited_add(&all[*count - 1], &all[i]);
        else
            all[(*count)++] = all[i];
    qsort(all, *count, sizeof *all, by_peak);
    return all;
}
