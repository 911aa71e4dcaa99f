/* SPDX-License-Identifier: BSD-3-Clause */
#include "samples.h"
#include "export/metrics_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Like ck_assert_msg(), which would write a line each time, even if all is well; there are very many samples. */
#define expect(good, ...)                                                                                              \
    do                                                                                                                 \
        if (!(good))                                                                                                   \
            ck_abort_msg(__VA_ARGS__);                                                                                 \
    while (0)

static int by_series(const void *a, const void *b)
{
    return strcmp(((const struct sample *)a)->series, ((const struct sample *)b)->series);
}

static bool is_of(const struct sample *sample, const char *metric)
{
    size_t length = strlen(metric);
    return strncmp(sample->series, metric, length) == 0 && strchr("{", sample->series[length]);
}

static void take_line(struct samples *samples, char *line, const char *type)
{
    char *value = strrchr(line, ' ');
    expect(value, "no value: %s", line);
    *value++ = '\0';
    struct sample sample = {.counter = strstr(type, " counter") != NULL};
    expect(strlen(line) < sizeof sample.series, "too long: %s", line);
    strcpy(sample.series, line);
    char *end;
    sample.value = strtod(value, &end);
    expect(*value && *end == '\0', "%s: no number: %s", line, value);
    char metric[256];
    expect(sscanf(type, "# TYPE %255s", metric) == 1 && is_of(&sample, metric), "%s after %s", line, type);
    if ((samples->count & (samples->count - 1)) == 0) /* a power of two: the array is full */
        samples->all = realloc(samples->all, (samples->count ? 2 * samples->count : 1) * sizeof *samples->all);
    samples->all[samples->count++] = sample;
}

struct samples samples_of(const struct tool_metrics *metrics)
{
    char *text, *rest;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    tool_metrics_write(metrics, out);
    fclose(out);
    ck_assert(size > 0 && text[size - 1] == '\n');

    struct samples samples = {0};
    const char *type = "";
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (strncmp(line, "# TYPE ", 7) == 0)
            type = line;
        else if (line[0] != '#')
            take_line(&samples, line, type);
    free(text);
    qsort(samples.all, samples.count, sizeof *samples.all, by_series);
    for (size_t i = 1; i < samples.count; i++)
        expect(strcmp(samples.all[i - 1].series, samples.all[i].series) != 0, "twice: %s", samples.all[i].series);
    return samples;
}

void samples_free(struct samples *samples)
{
    free(samples->all);
    *samples = (struct samples){0};
}

static const struct sample *find(const struct samples *samples, const char *series)
{
    struct sample wanted;
    snprintf(wanted.series, sizeof wanted.series, "%s", series);
    return samples->count ? bsearch(&wanted, samples->all, samples->count, sizeof wanted, by_series) : NULL;
}

double sample_value(const struct samples *samples, const char *series)
{
    const struct sample *found = find(samples, series);
    return found ? found->value : -1;
}

void expect_value(const struct samples *samples, const char *series, double value)
{
    expect(sample_value(samples, series) == value, "%s is %.6f, not %.6f", series, sample_value(samples, series),
           value);
}

double samples_sum(const struct samples *samples, const char *metric, const char *part)
{
    double sum = 0;
    for (size_t i = 0; i < samples->count; i++)
        if (is_of(&samples->all[i], metric) && (!part || strstr(samples->all[i].series, part)))
            sum += samples->all[i].value;
    return sum;
}

size_t samples_count(const struct samples *samples, const char *metric, const char *part)
{
    size_t count = 0;
    for (size_t i = 0; i < samples->count; i++)
        count += is_of(&samples->all[i], metric) && (!part || strstr(samples->all[i].series, part));
    return count;
}

void expect_sums(const struct samples *samples)
{
    static const char *const names[] = {"live_bytes",
                                        "live_blocks",
                                        "orphan_bytes",
                                        "freed_bytes_total",
                                        "freed_blocks_total",
                                        "remote_frees_received_bytes_total",
                                        "allocated_bytes_total",
                                        "allocated_blocks_total",
                                        "remote_frees_received_blocks_total"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char series[64], process[64];
        snprintf(series, sizeof series, "threadmeter_%s", names[i]);
        snprintf(process, sizeof process, "threadmeter_process_%s", names[i]);
        ck_assert_msg(samples_sum(samples, series, NULL) == samples_sum(samples, process, NULL), "%s: %.0f, not %.0f",
                      names[i], samples_sum(samples, series, NULL), samples_sum(samples, process, NULL));
    }
}

void expect_no_step_back(const struct samples *before, const struct samples *after)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct sample *old = &before->all[i];
        if (!old->counter)
            continue;
        const struct sample *new = find(after, old->series);
        expect(new, "%s is gone", old->series);
        expect(new->value >= old->value, "%s: from %.0f back to %.0f", old->series, old->value, new->value);
    }
}
