/* SPDX-License-Identifier: BSD-3-Clause */
/* What the report's tables have in common: the columns of figures, and sums. */
#ifndef TM_REPORT_ROWS_H
#define TM_REPORT_ROWS_H

#include "text.h"
#include "threadmeter/totals.h"

/* Above tm__put_totals(), behind labels of TM__LABEL characters. */
#define TM__FIGURES "       LIVE   BLOCKS         PEAK   ALLOCATED  FREED BY OTHERS  FREED OF OTHERS\n"
enum { TM__LABEL = 35 };

void tm__add_totals(struct tm_totals *sum, const struct tm_totals *more);

/* The rest of a line. */
void tm__put_totals(struct tm__text *text, const struct tm_totals *totals, const char *peak_prefix);

/* A row that is a sum: its peaks were not at one moment, so theirs is a bound. */
void tm__put_sum(struct tm__text *text, const char *label, const struct tm_totals *totals);

/* report_tags.c: tags by live bytes, and what these threads have in the largest. Nothing if there are no tags. */
void tm__put_tags(struct tm__text *text, const struct tm_slot *threads, unsigned count);

#endif
