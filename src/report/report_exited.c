/* SPDX-License-Identifier: BSD-3-Clause */
/* The report's line "(exited)" in detail: threads that are gone, by name, over all tags. */
#include "report/report_exited.h"
#include "api/retired.h"
#include "base/sums.h"
#include "report/report_rows.h"
#include "state/retired.h"

#include <string.h>

enum { ROWS = 32 };

struct row {
    char name[32];
    uint64_t threads;
    struct tm_totals totals; /* the peak is the highest of one thread */
};

struct table {
    unsigned count, others;
    struct row rows[ROWS]; /* those with the highest peaks, then by name */
    struct row rest;
};

static bool is_first_of_name(uint32_t place)
{
    for (uint32_t i = 0; i < place; i++)
        if (tm__is_same_retired_name(i, place))
            return false;
    return true;
}

static void add_row(struct row *sum, const struct row *more)
{
    uint64_t peak = sum->totals.peak_bytes > more->totals.peak_bytes ? sum->totals.peak_bytes : more->totals.peak_bytes;
    tm__add_totals(&sum->totals, &more->totals);
    sum->totals.peak_bytes = peak;
    sum->threads += more->threads;
}

/* All tags of this row's name. A thread has one account in no tag. */
static struct row sum_of_name(uint32_t first, uint32_t used)
{
    struct row sum = {0};
    for (uint32_t place = first; place < used; place++) {
        struct tm_retired retired;
        if (!tm__is_same_retired_name(first, place))
            continue;
        tm__read_retired_row(place, &retired);
        struct row row = {.threads = retired.tag[0] ? 0 : retired.accounts, .totals = retired.totals};
        row.totals.peak_bytes = retired.thread_peak_bytes;
        memcpy(sum.name, retired.name, sizeof retired.name);
        add_row(&sum, &row);
    }
    return sum;
}

static bool comes_before(const struct row *row, const struct row *other)
{
    uint64_t peak = row->totals.peak_bytes, others = other->totals.peak_bytes;
    return peak != others ? peak > others : strcmp(row->name, other->name) < 0;
}

static void insert(struct table *table, const struct row *row)
{
    unsigned place = table->count;
    while (place > 0 && comes_before(row, &table->rows[place - 1]))
        place--;
    if (table->count == ROWS) {
        add_row(&table->rest, place == ROWS ? row : &table->rows[ROWS - 1]);
        table->others++;
        if (place == ROWS)
            return;
        table->count--;
    }
    memmove(&table->rows[place + 1], &table->rows[place], (table->count++ - place) * sizeof table->rows[0]);
    table->rows[place] = *row;
}

static void put_row(struct tm__text *text, const struct row *row)
{
    char string[24];
    struct tm__text threads = TM__TEXT(string, -1);
    tm__put_number(&threads, row->threads);
    tm__put_padded(text, row->name, -16);
    tm__put_padded(text, tm__string(&threads), 9);
    tm__put_padded(text, "", TM__LABEL - 25);
    tm__put_totals(text, &row->totals, "");
    tm__put(text, "\n");
}

void tm__put_exited(struct tm__text *text)
{
    struct table table = {0};
    uint32_t used = tm__retired_used();
    for (uint32_t place = 0; place < used; place++) {
        struct row row = {0};
        if (is_first_of_name(place))
            row = sum_of_name(place, used);
        if (!tm__did_nothing(&row.totals))
            insert(&table, &row);
    }
    if (table.count == 0)
        return;
    tm__put(text, "\nEXITED            THREADS");
    tm__put_padded(text, "", TM__LABEL - 25);
    tm__put_titles(text, false);
    tm__put(text, "\n");
    for (unsigned i = 0; i < table.count; i++)
        put_row(text, &table.rows[i]);
    if (table.others > 0) {
        struct tm__text name = TM__TEXT(table.rest.name, -1);
        tm__put(&name, "(");
        tm__put_number(&name, table.others);
        tm__put(&name, " more)");
        tm__string(&name);
        put_row(text, &table.rest);
    }
}
