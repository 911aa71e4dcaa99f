/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A slot is free before its row is written, and these rows are read before the slots: so their sum is never above the
 * retired total, which is read with the slots. What is missing was being retired meanwhile.
 */
#include "reader/rows_retired.h"
#include "base/sums.h"
#include "reader/arrays.h"
#include "reader/message.h"
#include "state/settled.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tm__read_retired(const struct tm__source *source, uint32_t count, struct tm__retired **table,
                     char message[TM_READER_MESSAGE])
{
    *table = aligned_alloc(alignof(struct tm__retired), (count ? count : 1) * sizeof **table);
    if (!*table)
        return tm__no_memory(message);
    return tm__read_source(source, *table, count * sizeof **table, source->places.retired_offset)
               ? 0
               : tm__cut_off(source, message);
}

static int say_damaged(const struct tm__source *source, char message[TM_READER_MESSAGE])
{
    tm__say(message, "%s is damaged: what is retired by name does not add up", source->path);
    return -EINVAL;
}

static void describe(const struct tm__retired *row, bool is_others, struct tm_retired *retired)
{
    *retired = (struct tm_retired){.accounts = row->accounts,
                                   .thread_peak_bytes = row->thread_peak_bytes,
                                   .totals = tm__settled_totals(&row->counted)};
    retired->totals.peak_bytes = row->peak_bytes;
    if (is_others)
        strcpy(retired->name, "(others)");
    else
        tm__take_name(retired->name, (const uint64_t[2]){row->name[0], row->name[1]});
    memcpy(retired->tag, row->tag.text, sizeof retired->tag);
    retired->tag[sizeof retired->tag - 1] = '\0';
}

static bool is_possible(const struct tm_retired *retired)
{
    return tm__is_possible(&retired->totals) && retired->thread_peak_bytes <= TM__MOST && retired->accounts <= TM__MOST;
}

/* Whether no counter of a part is above that of the whole. */
static bool is_part(const struct tm_totals *part, const struct tm_totals *whole)
{
    bool is = true;
#define COMPARE(name, unit, meaning) is &= part->name <= whole->name;
    TM_COUNTERS(COMPARE)
#undef COMPARE
    return is;
}

/* What was being retired is added to the row without a name, or is one. */
static int add_missing(struct tm__rows *rows, const struct tm_totals *missing, char message[TM_READER_MESSAGE])
{
    for (size_t i = 0; i < rows->retired_row_count; i++)
        if (strcmp(rows->retired_rows[i].name, "(unknown)") == 0 && !rows->retired_rows[i].tag[0]) {
            tm__add_totals(&rows->retired_rows[i].totals, missing);
            return 0;
        }
    if (!tm__grow(&rows->retired_rows, &rows->retired_row_capacity, rows->retired_row_count,
                  sizeof *rows->retired_rows))
        return tm__no_memory(message);
    rows->retired_rows[rows->retired_row_count++] = (struct tm_retired){.name = "(unknown)", .totals = *missing};
    return 0;
}

int tm__collect_retired(const struct tm__source *source, struct tm__rows *rows, const struct tm__retired_tables *tables,
                        bool *same, char message[TM_READER_MESSAGE])
{
    struct tm_totals sum = {0}, missing = rows->retired;
    rows->retired_row_count = 0;
    for (uint32_t place = 0; place < tables->count; place++) {
        if (tables->before[place].accounts == 0)
            continue;
        if (!tm__grow(&rows->retired_rows, &rows->retired_row_capacity, rows->retired_row_count,
                      sizeof *rows->retired_rows))
            return tm__no_memory(message);
        struct tm_retired *retired = &rows->retired_rows[rows->retired_row_count++];
        describe(&tables->before[place], place == 0, retired);
        if (!is_possible(retired))
            return say_damaged(source, message);
        tm__add_totals(&sum, &retired->totals);
        if (!is_part(&sum, &rows->retired)) /* so the next sum does not overflow */
            return say_damaged(source, message);
    }
    tm__subtract_totals(&missing, &sum);
    missing.peak_bytes = 0;
    bool complete = tm__did_nothing(&missing);
    *same = complete && memcmp(tables->before, tables->after, tables->count * sizeof *tables->before) == 0;
    return complete ? 0 : add_missing(rows, &missing, message);
}

static int by_allocated(const void *a, const void *b)
{
    const struct tm_retired *left = a, *right = b;
    if (left->totals.allocated_bytes != right->totals.allocated_bytes)
        return left->totals.allocated_bytes < right->totals.allocated_bytes ? 1 : -1;
    int names = strcmp(left->name, right->name);
    return names != 0 ? names : strcmp(left->tag, right->tag);
}

void tm__sort_retired(struct tm__rows *rows)
{
    if (rows->retired_row_count > 0)
        qsort(rows->retired_rows, rows->retired_row_count, sizeof *rows->retired_rows, by_allocated);
}
