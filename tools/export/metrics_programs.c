/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decides which programs have series. Every process that publishes can choose a name, so there is a limit; and names go
 * out of use, so a program is forgotten, with its series, if no process of it has run for an hour. If it comes back,
 * its counters begin at 0, as after a restart, which is what rate() and increase() expect.
 *
 * "other" is for programs that have no place, and exists from the start. A program that was never seen alive is counted
 * there, too: it would never use a place, and in "other" the counter existed before, so that its increase by the crash
 * is seen.
 */
#include "export/metrics_programs.h"
#include "common/allocate.h"
#include "export/metrics_labels.h"
#include "export/metrics_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A limit for each user but the exporter's own, since otherwise one user could take all places. */
enum { MOST_OF_A_USER = 25 };

static const char *const reserved_threads[] = {
    [TOOL_OTHER] = "other", [TOOL_EXITED] = "(exited)", [TOOL_SHARED] = "(shared)"};
static const char *const reserved_tags[] = {[TOOL_OTHER] = "other", [TOOL_NO_TAG] = "(none)"};

static struct tool_metrics_program *append(struct tool_metrics *metrics, const char *name, const char *uid)
{
    struct tool_metrics_program *program = tool_allocate(1, sizeof *program);
    snprintf(program->name, sizeof program->name, "%s", name);
    snprintf(program->uid, sizeof program->uid, "%s", uid);
    program->since_round = metrics->rounds;
    tool_labels_init(&program->threads, metrics->top_threads, reserved_threads, 3);
    tool_labels_init(&program->tags, metrics->top_tags, reserved_tags, 2);
    metrics->programs[metrics->program_count++] = program;
    return program;
}

static void free_program(struct tool_metrics_program *program)
{
    tool_labels_free(&program->threads);
    tool_labels_free(&program->tags);
    free(program->series);
    free(program->series_at);
    free(program);
}

void tool_programs_init(struct tool_metrics *metrics)
{
    append(metrics, "other", metrics->by_user ? "other" : "");
}

void tool_programs_free(struct tool_metrics *metrics)
{
    for (size_t i = 0; i < metrics->program_count; i++)
        free_program(metrics->programs[i]);
}

static void begin(struct tool_metrics_program *program)
{
    program->processes_now = NULL;
    program->now = (struct tool_gauges){0};
    program->peak_bytes = program->resident_bytes = program->processes = program->unknown = program->crashed = 0;
    for (size_t i = 0; i < program->series_count; i++)
        program->series[i].now = (struct tool_gauges){0};
    struct tool_labels *kinds[] = {&program->threads, &program->tags};
    for (size_t kind = 0; kind < 2; kind++)
        for (size_t i = 0; i < kinds[kind]->count; i++) {
            struct tool_label *label = &kinds[kind]->all[i];
            label->threads = label->peak_bytes = label->limit_bytes = label->limit_used_millionths = 0;
        }
}

void tool_programs_begin(struct tool_metrics *metrics)
{
    /* Time since the last round does not count, since no process was looked for in it. */
    uint64_t looked_ns = metrics->began[1].monotonic_ns;
    size_t kept = 0;
    for (size_t i = 0; i < metrics->program_count; i++) {
        struct tool_metrics_program *program = metrics->programs[i];
        if (i > TOOL_OTHER && looked_ns - program->seen_ns > TOOL_FORGOTTEN_NS) {
            free_program(program);
            continue;
        }
        begin(program);
        metrics->programs[kept++] = program;
    }
    metrics->program_count = kept;
}

static size_t programs_of_user(const struct tool_metrics *metrics, const char *uid)
{
    size_t count = 0;
    for (size_t i = 1; i < metrics->program_count; i++)
        count += strcmp(metrics->programs[i]->uid, uid) == 0;
    return count;
}

static struct tool_metrics_program *find(struct tool_metrics *metrics, const struct tm_reading *reading)
{
    char name[TOOL_LABEL], uid[16] = "";
    tool_name_label(name, sizeof name, reading->program);
    if (metrics->by_user)
        snprintf(uid, sizeof uid, "%u", (unsigned)reading->uid);
    for (size_t i = 1; i < metrics->program_count; i++)
        if (strcmp(metrics->programs[i]->name, name) == 0 && strcmp(metrics->programs[i]->uid, uid) == 0)
            return metrics->programs[i];
    if ((!reading->live && !reading->unknown) || strcmp(name, "other") == 0 ||
        metrics->program_count == TOOL_PROGRAMS ||
        (metrics->by_user && reading->uid != metrics->own_uid && programs_of_user(metrics, uid) >= MOST_OF_A_USER))
        return metrics->programs[TOOL_OTHER];
    return append(metrics, name, uid);
}

struct tool_metrics_program *tool_program_of(struct tool_metrics *metrics, const struct tm_reading *reading)
{
    struct tool_metrics_program *program = find(metrics, reading);
    if (reading->live || reading->unknown)
        program->seen_ns = metrics->began[2].monotonic_ns;
    return program;
}
