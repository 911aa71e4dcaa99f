/* SPDX-License-Identifier: BSD-3-Clause */
/* What is to be exported, collected anew each time that it is asked for. */
#ifndef TM_EXPORT_COLLECT_H
#define TM_EXPORT_COLLECT_H

#include "common/find.h"
#include "export/metrics.h"

struct tool_export {
    struct tool_search search; /* where and whose: the caller's; the rest is this file's */
    struct tool_metrics *metrics;
    int target_count; /* 0: what the search finds */
    struct tm_reader **targets;
};

/* So many names of threads and of tags have series. False, with a message, if one of the targets is not there. */
bool tool_export_open(struct tool_export *export, size_t threads, size_t tags, char **targets, int count);
void tool_export_close(struct tool_export *export); /* also after that */

/* The figures as they are now, as text, to be given to free(). NULL, with a message: there is no memory. */
char *tool_export_collect(struct tool_export *export, size_t *size);

#endif
