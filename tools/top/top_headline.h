/* SPDX-License-Identifier: BSD-3-Clause */
/* Describes a process as a whole, or all processes, in lines of at most `width` columns. */
#ifndef TM_TOP_HEADLINE_H
#define TM_TOP_HEADLINE_H

#include "top/top_processes.h"
#include "top/top_watch.h"

enum { TOP_LINES = 6, TOP_LINE = 512 };
struct top_headline {
    char lines[TOP_LINES][TOP_LINE];
    int count;
};
void tool_top_headline(struct top_headline *headline, const struct top_watch *watch, int width);
void tool_top_processes_headline(struct top_headline *headline, const struct top_processes *processes, int width);
/* Appends a line that says what the resident memory, as the kernel counts it, consists of. */
void tool_top_explain(struct top_headline *headline, const struct tm_totals *totals, uint64_t resident_bytes,
                      int width);

#endif
