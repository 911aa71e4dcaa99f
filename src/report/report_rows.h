/* SPDX-License-Identifier: BSD-3-Clause */
/* What the report's tables have in common: the columns of figures, and sums. */
#ifndef TM_REPORT_ROWS_H
#define TM_REPORT_ROWS_H

#include "base/text.h"
#include "threadmeter/totals.h"

/*
 * Above tm__put_totals(), behind labels of TM__LABEL characters. These tables are the tool's, too (tools/common/reading_table.c): the
 * same rows, columns and words.
 */
#define TM__FIGURES "       LIVE   BLOCKS         PEAK   ALLOCATED  FREED BY OTHERS  FREED OF OTHERS"
enum { TM__LABEL = 35 };

/* A row that says nothing in any column, and so is left out: the rows that are there add up to the total without it. */
bool tm__did_nothing(const struct tm_totals *totals);

void tm__add_row(struct tm_totals *sum, const struct tm_totals *more);

/* What stands behind a label. */
void tm__put_totals(struct tm__text *text, const struct tm_totals *totals, const char *peak_prefix);

/* A row that is a sum: its peaks were not at one moment, so theirs is a bound. */
void tm__put_sum(struct tm__text *text, const char *label, const struct tm_totals *totals);

#endif
