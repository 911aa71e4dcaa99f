/* SPDX-License-Identifier: BSD-3-Clause */
#include "report/report_rows.h"
#include "base/columns.h"
#include "base/sums.h"

void tm__add_row(struct tm_totals *sum, const struct tm_totals *more)
{
    tm__add_totals(sum, more);
    sum->peak_bytes += more->peak_bytes;
}

void tm__put_titles(struct tm__text *text, bool limited)
{
    for (int i = 0; i < TM__COLUMNS; i++)
        if (tm__columns[i].table != 0 && (tm__columns[i].unit != TM__LIMIT || limited))
            tm__put_padded(text, tm__columns[i].title, tm__columns[i].table);
}

static void put_peak(struct tm__text *text, const char *prefix, uint64_t bytes, int width)
{
    char string[32];
    struct tm__text cell = TM__TEXT(string, -1);
    tm__put(&cell, prefix);
    tm__put_bytes(&cell, bytes, 0);
    tm__put_padded(text, tm__string(&cell), width);
}

void tm__put_figures(struct tm__text *text, const struct tm__figures *figures, const char *peak_prefix, bool limited)
{
    for (int i = 0; i < TM__COLUMNS; i++) {
        const struct tm__column *column = &tm__columns[i];
        uint64_t figure = tm__figure(column, figures);
        if (column->table == 0 || (column->unit == TM__LIMIT && figure == 0 && !limited))
            continue;
        if (column->unit == TM__LIMIT && figure == 0)
            tm__put_padded(text, "", column->table);
        else if (column->unit == TM__PEAK)
            put_peak(text, peak_prefix, figure, column->table);
        else if (column->unit == TM__COUNT)
            tm__put_count(text, figure, column->table);
        else
            tm__put_bytes(text, figure, column->table);
    }
}

void tm__put_totals(struct tm__text *text, const struct tm_totals *totals, const char *peak_prefix)
{
    struct tm__figures figures = tm__figures_of(totals);
    tm__put_figures(text, &figures, peak_prefix, false);
}

void tm__put_sum(struct tm__text *text, const char *label, const struct tm_totals *totals)
{
    tm__put_padded(text, label, -TM__LABEL);
    tm__put_totals(text, totals, "<= ");
    tm__put(text, "\n");
}
