/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the series in Prometheus' text format, version 0.0.4. */
#include "export/metrics_text.h"
#include "config.h"
#include "export/metrics_labels.h"
#include "export/metrics_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum rows { PROGRAMS, SERIES, THREADS, TAGS, LIMITED_TAGS };
enum form { GAUGE, COUNTER, RATIO };

#define OF_PROGRAM(field) PROGRAMS, offsetof(struct tool_metrics_program, field)
#define OF_SERIES(field) SERIES, offsetof(struct tool_series, field)
#define OF_LABEL(rows, field) rows, offsetof(struct tool_label, field)

#define CALL_OF_PROGRAM(name, words, meaning)                                                                          \
    {#name "_total", COUNTER, OF_PROGRAM(cross_allocator_calls.name), meaning},
#define COUNTER_OF_PROGRAM(name, unit, meaning) {"process_" #name "_total", COUNTER, OF_PROGRAM(counted.name), meaning},
#define COUNTER_OF_SERIES(name, unit, meaning) {#name "_total", COUNTER, OF_SERIES(counted.name), meaning},

static const struct family {
    const char *name;
    enum form form;
    enum rows rows;
    size_t offset; /* of an uint64_t in the row */
    const char *help;
} families[] = {
    {"processes", GAUGE, OF_PROGRAM(processes), "Processes that run."},
    {"crashed_processes", GAUGE, OF_PROGRAM(crashed),
     "Processes that crashed, or were killed, and whose files are still there."},
    {"process_crashes_total", COUNTER, OF_PROGRAM(crashes),
     "Processes that were seen to crash, or to have been killed."},
    {"unknown_processes", GAUGE, OF_PROGRAM(unknown),
     "Processes of which it cannot be told whether they run; what they own is counted as if they did."},
    {"process_resident_bytes", GAUGE, OF_PROGRAM(resident_bytes),
     "Resident memory of the processes, heap or not; what they share counts in each."},
    {"process_peak_bytes", GAUGE, OF_PROGRAM(peak_bytes), "The processes never owned more than that at once."},
    {"process_live_bytes", GAUGE, OF_PROGRAM(now.live_bytes), "Bytes that the processes own."},
    {"process_live_blocks", GAUGE, OF_PROGRAM(now.live_blocks), "Blocks that the processes own."},
    {"process_orphan_bytes", GAUGE, OF_PROGRAM(now.orphan_bytes),
     "Bytes that their exited threads own: part of process_live_bytes."},

    {"live_bytes", GAUGE, OF_SERIES(now.live_bytes), "Bytes that threads of this name own in this tag, as asked for."},
    {"live_blocks", GAUGE, OF_SERIES(now.live_blocks), "Blocks that they own."},
    {"orphan_bytes", GAUGE, OF_SERIES(now.orphan_bytes), "Bytes that those own that have exited: part of live_bytes."},

    {"threads", GAUGE, OF_LABEL(THREADS, threads), "Threads of this name that live and have allocated."},
    {"thread_peak_bytes", GAUGE, OF_LABEL(THREADS, peak_bytes),
     "Most bytes that any one thread of this name ever owned at once, among those on record."},
    {"tag_peak_bytes", GAUGE, OF_LABEL(TAGS, peak_bytes), "No more than that was ever owned at once in this tag."},
    {"tag_limit_bytes", GAUGE, OF_LABEL(LIMITED_TAGS, limit_bytes), "The tag's limit, summed over the processes."},
    {"tag_limit_used_ratio", RATIO, OF_LABEL(LIMITED_TAGS, limit_used_millionths),
     "How much of its limit is used, in the process where that is most."},

    TM_COUNTERS(COUNTER_OF_SERIES) TM_COUNTERS(COUNTER_OF_PROGRAM) TM_CROSS_ALLOCATOR_CALLS(CALL_OF_PROGRAM)};
enum { FAMILIES = sizeof families / sizeof families[0] };

static void put_label(FILE *out, const char *before, const char *name, const char *value)
{
    fprintf(out, "%s%s=\"", before, name);
    for (; *value; value++) {
        if (strchr("\\\"\n", *value))
            fputc('\\', out);
        fputc(*value == '\n' ? 'n' : *value, out);
    }
    fputc('"', out);
}

static uint64_t value_in(const struct family *family, const void *row)
{
    return *(const uint64_t *)(const void *)((const char *)row + family->offset);
}

static void put_sample(FILE *out, const struct family *family, const struct tool_metrics_program *program,
                       const char *thread, const char *tag, const void *row)
{
    uint64_t value = value_in(family, row);
    fprintf(out, "threadmeter_%s", family->name);
    put_label(out, "{", "program", program->name);
    if (*program->uid)
        put_label(out, ",", "uid", program->uid);
    if (thread)
        put_label(out, ",", "thread", thread);
    if (tag)
        put_label(out, ",", "tag", tag);
    if (family->form == RATIO)
        fprintf(out, "} %" PRIu64 ".%06" PRIu64 "\n", value / 1000000, value % 1000000);
    else
        fprintf(out, "} %" PRIu64 "\n", value);
}

/* "other", "(exited)" and so on exist for all programs, but a sample of them is written only if it is not 0. */
static void put_labels(FILE *out, const struct family *family, const struct tool_metrics_program *program)
{
    const struct tool_labels *labels = family->rows == THREADS ? &program->threads : &program->tags;
    for (size_t i = 0; i < labels->count; i++) {
        const struct tool_label *label = &labels->all[i];
        if (family->rows == LIMITED_TAGS ? label->limit_bytes == 0
                                         : i < labels->reserved && value_in(family, label) == 0)
            continue;
        put_sample(out, family, program, family->rows == THREADS ? label->text : NULL,
                   family->rows == THREADS ? NULL : label->text, label);
    }
}

static void put_rows(FILE *out, const struct family *family, const struct tool_metrics_program *program)
{
    switch (family->rows) {
    case PROGRAMS:
        put_sample(out, family, program, NULL, NULL, program);
        break;
    case SERIES:
        for (size_t i = 0; i < program->series_count; i++) {
            const struct tool_series *series = &program->series[i];
            put_sample(out, family, program, program->threads.all[series->thread].text,
                       program->tags.all[series->tag].text, series);
        }
        break;
    case THREADS:
    case TAGS:
    case LIMITED_TAGS:
        put_labels(out, family, program);
        break;
    }
}

void tool_metrics_write(const struct tool_metrics *metrics, FILE *out)
{
    fputs("# HELP threadmeter_build_info Which threadmeter it is that exports this.\n"
          "# TYPE threadmeter_build_info gauge\n"
          "threadmeter_build_info{version=\"" TM_VERSION "\"} 1\n"
          "# HELP threadmeter_unreadable_processes Processes that publish what cannot be read.\n"
          "# TYPE threadmeter_unreadable_processes gauge\n",
          out);
    fprintf(out, "threadmeter_unreadable_processes %zu\n", metrics->unreadable);
    fprintf(out,
            "# HELP threadmeter_skipped_processes Processes and files that were not looked at, for want of time: so "
            "many at least.\n"
            "# TYPE threadmeter_skipped_processes gauge\n"
            "threadmeter_skipped_processes %zu\n",
            metrics->left_out);
    for (const struct family *family = families; family < families + FAMILIES; family++) {
        fprintf(out, "# HELP threadmeter_%s %s\n# TYPE threadmeter_%s %s\n", family->name, family->help, family->name,
                family->form == COUNTER ? "counter" : "gauge");
        for (size_t i = 0; i < metrics->program_count; i++)
            put_rows(out, family, metrics->programs[i]);
    }
}
