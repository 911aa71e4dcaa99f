/* SPDX-License-Identifier: BSD-3-Clause */
/* The page with charts. */
#ifndef TM_REPORT_PAGE_H
#define TM_REPORT_PAGE_H

#include "report/summary.h"

#include <stdio.h>

bool report_has_page(void); /* whether this program was built with the page */
bool report_write_page(FILE *out, const struct summary *summary, struct recording *recording);

#endif
