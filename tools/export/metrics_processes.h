/* SPDX-License-Identifier: BSD-3-Clause */
/* What was seen of one process. */
#ifndef TM_METRICS_PROCESSES_H
#define TM_METRICS_PROCESSES_H

#include "export/metrics_state.h"

/* What a reading says of its tags, accounts and threads, in place of what the one before said. */
void tool_process_take(struct tool_process *process, const struct tm_reading *reading);
void tool_process_free(struct tool_process *process);

/* NULL if the process has no such tag, or none any more. */
struct tool_tag_book *tool_book_of(const struct tool_process *process, int32_t tag);

#endif
