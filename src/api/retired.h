/* SPDX-License-Identifier: BSD-3-Clause */
/* What is gone, for the library's own use; threadmeter/totals.h has the public function. */
#ifndef TM_API_RETIRED_H
#define TM_API_RETIRED_H

#include "threadmeter/totals.h"

/* The row of this number, which is less than tm__retired_used(); without accounts if nobody has it. */
void tm__read_retired_row(uint32_t place, struct tm_retired *row);

#endif
