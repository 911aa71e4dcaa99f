/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the series in Prometheus' text format, version 0.0.4. */
#ifndef TM_METRICS_TEXT_H
#define TM_METRICS_TEXT_H

#include "export/metrics.h"

#include <stdio.h>

void tool_metrics_write(const struct tool_metrics *metrics, FILE *out);

#endif
