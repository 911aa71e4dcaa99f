/* SPDX-License-Identifier: BSD-3-Clause */
#include "report/report_rows.h"
#include "base/sums.h"

bool tm__did_nothing(const struct tm_totals *totals)
{
    return totals->allocated_blocks == 0 && totals->remote_frees_made_bytes == 0;
}

void tm__add_row(struct tm_totals *sum, const struct tm_totals *more)
{
    tm__add_totals(sum, more);
    sum->peak_bytes += more->peak_bytes;
}

void tm__put_totals(struct tm__text *text, const struct tm_totals *totals, const char *peak_prefix)
{
    tm__put_bytes(text, tm_live_bytes(totals), 11);
    tm__put_count(text, tm_live_blocks(totals), 9);
    if (*peak_prefix) {
        char string[32];
        struct tm__text cell = TM__TEXT(string, -1);
        tm__put(&cell, peak_prefix);
        tm__put_bytes(&cell, totals->peak_bytes, 0);
        tm__put_padded(text, tm__string(&cell), 13);
    } else {
        tm__put_bytes(text, totals->peak_bytes, 13);
    }
    tm__put_bytes(text, totals->allocated_bytes, 12);
    tm__put_bytes(text, totals->remote_frees_received_bytes, 17);
    tm__put_bytes(text, totals->remote_frees_made_bytes, 17);
}

void tm__put_sum(struct tm__text *text, const char *label, const struct tm_totals *totals)
{
    tm__put_padded(text, label, -TM__LABEL);
    tm__put_totals(text, totals, "<= ");
    tm__put(text, "\n");
}
