/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses Prometheus' text format into a list of samples. */
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

/* The test fails if the text does not have that format, or has a series twice. */
struct samples samples_of(const struct tool_metrics *metrics);
void samples_free(struct samples *samples);

/* The value of a series; -1 if there is no such series. */
double sample_value(const struct samples *samples, const char *series);
void expect_value(const struct samples *samples, const char *series, double value);

/* The sum and the count of all series of `metric` whose labels contain `part` (NULL: of all). */
double samples_sum(const struct samples *samples, const char *metric, const char *part);
size_t samples_count(const struct samples *samples, const char *metric, const char *part);

/* The test fails if the series of threads do not add up to those of the process. */
void expect_sums(const struct samples *samples);

/* The test fails if a counter went back, or is missing. */
void expect_no_step_back(const struct samples *before, const struct samples *after);

#endif
