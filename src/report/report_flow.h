/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_REPORT_FLOW_H
#define TM_REPORT_FLOW_H

#include "base/text.h"

#include <stdbool.h>

/*
 * Writes a blank line and a table of the pairs of threads (owner, and the thread that freed) with the most bytes.
 * Returns false, and writes nothing, if there are no pairs.
 */
bool tm__put_flow(struct tm__text *text);

#endif
