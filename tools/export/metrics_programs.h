/* SPDX-License-Identifier: BSD-3-Clause */
/* Decides which programs have series. */
#ifndef TM_METRICS_PROGRAMS_H
#define TM_METRICS_PROGRAMS_H

#include "export/metrics_state.h"

void tool_programs_init(struct tool_metrics *metrics);
void tool_programs_free(struct tool_metrics *metrics);

/* Begins a round: the gauges are 0, and programs that have not run for too long are forgotten. */
void tool_programs_begin(struct tool_metrics *metrics);

/* Finds the program of a process for this round. Only a process that runs, or may run, gets a new program. */
struct tool_metrics_program *tool_program_of(struct tool_metrics *metrics, const struct tm_reading *reading);

#endif
