/* SPDX-License-Identifier: BSD-3-Clause */
/* Adds what was seen of processes to the series of their programs. */
#ifndef TM_METRICS_COUNT_H
#define TM_METRICS_COUNT_H

#include "export/metrics_state.h"

/* Names to labels, then its processes of this round into the series. */
void tool_program_count(struct tool_metrics_program *program, uint64_t now_ns);

#endif
