/* SPDX-License-Identifier: BSD-3-Clause */
/* What the report's tables share: the columns of figures, and rows that are sums. */
#ifndef TM_REPORT_ROWS_H
#define TM_REPORT_ROWS_H

#include "base/columns.h"
#include "base/text.h"
#include "threadmeter/totals.h"

enum { TM__LABEL = 35 };

/* What stands above figures, after labels of TM__LABEL characters: base/columns.h has the columns. */
void tm__put_titles(struct tm__text *text, bool limited);

/* Adds the totals, and the peaks. */
void tm__add_row(struct tm_totals *sum, const struct tm_totals *more);

/* Writes the columns of a row, after its label. `limited`: the column of limits is there also if this row has none. */
void tm__put_figures(struct tm__text *text, const struct tm__figures *figures, const char *peak_prefix, bool limited);
void tm__put_totals(struct tm__text *text, const struct tm_totals *totals, const char *peak_prefix);

/* Writes a row that is a sum. The peaks in it were not at one moment, so their sum is only an upper bound: "<= ". */
void tm__put_sum(struct tm__text *text, const char *label, const struct tm_totals *totals);

#endif
