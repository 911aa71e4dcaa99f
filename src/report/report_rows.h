/* SPDX-License-Identifier: BSD-3-Clause */
/* What the report's tables have in common: the columns of figures, and sums. */
#ifndef TM_REPORT_ROWS_H
#define TM_REPORT_ROWS_H

#include "base/columns.h"
#include "base/text.h"
#include "threadmeter/totals.h"

enum { TM__LABEL = 35 };

/* What stands above figures, after labels of TM__LABEL characters: base/columns.h has the columns. */
void tm__put_titles(struct tm__text *text, bool limited);

/* A row that says nothing in any column, and so is left out: the rows that are there add up to the total without it. */
bool tm__did_nothing(const struct tm_totals *totals);

void tm__add_row(struct tm_totals *sum, const struct tm_totals *more);

/* What stands after a label. `limited`: where there is no limit, its column is there all the same. */
void tm__put_figures(struct tm__text *text, const struct tm__figures *figures, const char *peak_prefix, bool limited);
void tm__put_totals(struct tm__text *text, const struct tm_totals *totals, const char *peak_prefix);

/* A row that is a sum: its peaks were not at one moment, so theirs is a bound. */
void tm__put_sum(struct tm__text *text, const char *label, const struct tm_totals *totals);

#endif
