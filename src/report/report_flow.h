/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_REPORT_FLOW_H
#define TM_REPORT_FLOW_H

#include "base/text.h"

#include <stdbool.h>

/* A blank line, and a table: who freed whose blocks, the busiest pairs. False, and nothing, if there is nothing to tell. */
bool tm__put_flow(struct tm__text *text);

#endif
