/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps what was seen of one process. */
#ifndef TM_METRICS_PROCESSES_H
#define TM_METRICS_PROCESSES_H

#include "export/metrics_state.h"

/* Replaces the tags, accounts and threads of the previous reading by those of this one. */
void tool_process_take(struct tool_process *process, const struct tm_reading *reading);
void tool_process_free(struct tool_process *process);

/* NULL if the process does not have this tag, or not any more. */
struct tool_seen_tag *tool_seen_tag_of(const struct tool_process *process, int32_t tag);

#endif
