/* SPDX-License-Identifier: BSD-3-Clause */
/* Which programs have series. */
#ifndef TM_METRICS_PROGRAMS_H
#define TM_METRICS_PROGRAMS_H

#include "export/metrics_state.h"

void tool_programs_init(struct tool_metrics *metrics);
void tool_programs_free(struct tool_metrics *metrics);

/* A new round: nothing is live yet, and what nobody has had for too long is forgotten. */
void tool_programs_begin(struct tool_metrics *metrics);

/* Where a process belongs in this round. Only one that runs, or may, gets a new program. */
struct tool_metrics_program *tool_program_of(struct tool_metrics *metrics, const struct tm_reading *reading);

#endif
