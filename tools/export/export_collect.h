/* SPDX-License-Identifier: BSD-3-Clause */
/* Collects the metrics anew each time that they are asked for. */
#ifndef TM_EXPORT_COLLECT_H
#define TM_EXPORT_COLLECT_H

#include "common/find.h"
#include "export/metrics.h"

struct tool_export {
    struct tool_search search; /* the caller sets which directory and whose files; this file sets the rest */
    struct tool_metrics *metrics;
    int target_count; /* 0: what the search finds */
    struct tm_reader **targets;
};

/* `threads`, `tags`: how many names have series of their own. False, with a message, if a target does not exist. */
bool tool_export_open(struct tool_export *export, size_t threads, size_t tags, char **targets, int count);
void tool_export_close(struct tool_export *export); /* also after that */

/* Returns the current metrics as text, for the caller to free. NULL, with a message: there is no memory. */
char *tool_export_collect(struct tool_export *export, size_t *size);

#endif
