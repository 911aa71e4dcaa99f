/* SPDX-License-Identifier: BSD-3-Clause */
/* Prometheus' text as a list of samples. */
#ifndef TESTS_TOOL_SAMPLES_H
#define TESTS_TOOL_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/metrics.h"

struct sample {
    char series[512]; /* with its labels */
    double value;
    bool counter;
};

struct samples {
    size_t count;
    struct sample *all;
};

/* Fails the test for text that is no such format, or tells of one series twice. */
struct samples samples_of(const struct tool_metrics *metrics);
void samples_free(struct samples *samples);

/* -1 if there is no such series. */
double sample_value(const struct samples *samples, const char *series);
void expect_value(const struct samples *samples, const char *series, double value);

/* Of all series whose names are `metric`, and whose labels have `part` in them (NULL: all). */
double samples_sum(const struct samples *samples, const char *metric, const char *part);
size_t samples_count(const struct samples *samples, const char *metric, const char *part);

/* Fails if a counter went back, or is gone. */
void expect_no_step_back(const struct samples *before, const struct samples *after);

#endif
