/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_REPORT_TAGS_H
#define TM_REPORT_TAGS_H

#include "base/text.h"
#include "threadmeter/totals.h"

#include <stdbool.h>

/*
 * Writes a blank line and two tables: the tags by live bytes, and what these threads have in the largest of them.
 * Returns false, and writes nothing, if there are no tags to show.
 */
bool tm__put_tags(struct tm__text *text, const struct tm_slot *threads, unsigned count);

#endif
