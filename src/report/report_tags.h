/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_REPORT_TAGS_H
#define TM_REPORT_TAGS_H

#include "base/text.h"
#include "threadmeter/totals.h"

#include <stdbool.h>

/*
 * A blank line, and a table: tags by live bytes, and what these threads have in the largest. False, and nothing, if there
 * is nothing to tell.
 */
bool tm__put_tags(struct tm__text *text, const struct tm_slot *threads, unsigned count);

#endif
