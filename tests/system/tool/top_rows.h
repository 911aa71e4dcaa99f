/* SPDX-License-Identifier: BSD-3-Clause */
/* For the tests of top's functions: made-up figures, and checks of the rows that top makes of them. */
#ifndef TESTS_TOP_ROWS_H
#define TESTS_TOP_ROWS_H

#include "support/suite.h"
#include "top/top_model.h"

enum { S = 1000000000 };

/* Totals in which blocks are a tenth of the bytes, and the peak is all that was allocated. */
struct tm_totals totals(uint64_t allocated, uint64_t freed);

/* The row with this id; the test fails if there is none. */
const struct top_row *row_of(const struct top_list *list, uint64_t id);

/* The ids that are shown, as "3 1 2". */
const char *shown(const struct top_list *list);

/* A process with threads 1 (two tags), 2 (reuses nothing), an orphan, and both shared slots. */
struct tm_reading *make_reading(void);

/* To be called by main(): runs the tests that `add` adds. */
int run_tests(const char *name, void (*add)(TCase *tcase));

#endif
