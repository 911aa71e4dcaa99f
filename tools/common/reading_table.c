/* SPDX-License-Identifier: BSD-3-Clause */
/* A reading as a table: the same rows, columns and words as tm_report() writes (src/report/report.c). */
#include "common/reading_table.h"
#include "common/allocate.h"
#include "common/columns.h"
#include "common/exited_table.h"
#include "common/numbers.h"
#include "common/printable.h"
#include "common/states.h"
#include "common/table.h"
#include "common/tag_matrix.h"
#include "common/totals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_sum(struct tool_figures_table *table, const char *label, const struct tm_totals *totals)
{
    const struct tm__figures figures = tm__figures_of(totals);
    tool_put_sum(table, label, &figures);
}

static void put_threads(FILE *out, const struct tm_reading *reading, const struct tm_totals *left_out)
{
    struct tool_figures_table table;
    tool_begin_figures(&table, out, TOOL_OF_READING);
    tool_put_thread_titles(&table);
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *thread = &reading->threads[i];
        bool shared = thread->thread == 0;
        if (shared && tm__did_nothing(&thread->totals))
            continue;
        tool_put_name(&table.table, shared ? "(shared)" : thread->name);
        if (shared)
            tool_put_text(&table.table, "-");
        else
            tool_put_pid(&table.table, thread->tid);
        tool_put_text(&table.table, tm_slot_state_name(thread->state));
        const struct tm__figures figures = tm__figures_of(&thread->totals);
        tool_put_figures(&table, &figures, false);
    }
    if (left_out)
        put_sum(&table, "(others)", left_out);
    if (!tm__did_nothing(&reading->retired))
        put_sum(&table, "(exited)", &reading->retired);
    put_sum(&table, "total", &reading->process);
}

/* All threads but the shared slots. */
static void put_matrix(FILE *out, const struct tm_reading *reading, const struct tool_matrix_tag *tags,
                       size_t tag_count)
{
    struct tool_matrix_thread *threads = tool_allocate(reading->thread_count, sizeof *threads);
    size_t count = 0;
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *thread = &reading->threads[i];
        if (thread->thread != 0)
            threads[count++] = (struct tool_matrix_thread){thread->thread, thread->tid, thread->name};
    }
    tool_print_matrix(out, &(struct tool_matrix){.title = "LIVE, BY TAG",
                                                 .threads = threads,
                                                 .thread_count = count,
                                                 .tags = tags,
                                                 .tag_count = tag_count,
                                                 .slots = reading->slots,
                                                 .slot_count = reading->slot_count});
    free(threads);
}

static bool has_row(const struct tm_tag_reading *tag)
{
    return tag->limit_bytes != 0 || !tm__did_nothing(&tag->totals);
}

/* Prints nothing, and returns false, if no tag was used or has a limit. */
static bool put_tags(FILE *out, const struct tm_reading *reading)
{
    struct tool_matrix_tag *shown = tool_allocate(reading->tag_count, sizeof *shown);
    struct tool_figures_table table;
    size_t count = 0;
    bool limited = false, some_ended = false;
    for (size_t i = 0; i < reading->tag_count; i++)
        if (has_row(&reading->tags[i])) {
            shown[count++] = (struct tool_matrix_tag){reading->tags[i].tag, reading->tags[i].name};
            limited |= reading->tags[i].limit_bytes != 0;
            some_ended |= !reading->tags[i].open;
        }
    if (count > 0) {
        fputc('\n', out);
        tool_begin_figures(&table, out, TOOL_OF_READING);
        tool_put_tag_titles(&table, limited, some_ended);
        for (size_t i = 0; i < reading->tag_count; i++) {
            const struct tm_tag_reading *tag = &reading->tags[i];
            struct tm__figures figures = tm__figures_of(&tag->totals);
            figures.limit_bytes = tag->limit_bytes;
            if (has_row(tag))
                tool_put_tag(&table, tag->name, &figures, some_ended ? tool_tag_state(tag->open) : NULL);
        }
        put_matrix(out, reading, shown, count);
    }
    free(shown);
    return count > 0;
}

enum { OWNER, OWNER_TID, FREER, FREER_TID, FLOW_BYTES, FLOW_BLOCKS, FLOW_SHARE, FLOW_COLUMNS };
static const struct tool_column flow_columns[FLOW_COLUMNS] = {
    [OWNER] = {"OWNER", -16, 0},    [OWNER_TID] = {"TID", 9, 0},     [FREER] = {"FREED BY", -16, 2},
    [FREER_TID] = {"TID", 9, 0},    [FLOW_BYTES] = {"BYTES", 11, 2}, [FLOW_BLOCKS] = {"BLOCKS", 9, 0},
    [FLOW_SHARE] = {"SHARE", 7, 0},
};

static void put_flow_figures(struct tool_table *table, uint64_t bytes, uint64_t blocks, uint64_t all)
{
    char share[16];
    snprintf(share, sizeof share, "%.0f %%", all ? 100.0 * (double)bytes / (double)all : 0.0);
    tool_put_bytes(table, bytes);
    tool_put_number(table, blocks);
    tool_put_text(table, share);
    tool_end_row(table);
}

static void put_party(struct tool_table *table, const char *name, pid_t tid)
{
    tool_put_name(table, name);
    if (tid != 0)
        tool_put_pid(table, tid);
    else
        tool_put_text(table, "-");
}

void tool_print_flows(FILE *out, const struct tm_flow *flows, size_t count, size_t shown, const char *others)
{
    struct tool_table table = {.out = out, .columns = flow_columns};
    struct tm_flow more = {0};
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++)
        tool_add_saturating(&all, flows[i].bytes);
    fputc('\n', out);
    tool_put_titles(&table, FLOW_COLUMNS);
    tool_end_row(&table);
    for (size_t i = 0; i < count; i++) {
        const struct tm_flow *flow = &flows[i];
        if (i < shown && strcmp(flow->owner_name, "(others)") != 0) {
            put_party(&table, flow->owner_name, flow->owner_tid);
            put_party(&table, flow->freer_name, flow->freer_tid);
            put_flow_figures(&table, flow->bytes, flow->blocks, all);
        } else {
            tool_add_saturating(&more.bytes, flow->bytes);
            tool_add_saturating(&more.blocks, flow->blocks);
        }
    }
    if (more.blocks > 0) {
        tool_put_label(&table, others, FLOW_BYTES);
        put_flow_figures(&table, more.bytes, more.blocks, all);
    }
}

/* Errors, which are no calls, only if there are any. */
void tool_print_cross_allocator_calls(FILE *out, const struct tm_cross_allocator_calls *calls)
{
    const char *separator = "";
#define PUT(name, words, meaning)                                                                                      \
    if (calls->name != 0 || &calls->name != &calls->errors_reported) {                                                 \
        fprintf(out, "%s%llu " words, separator, (unsigned long long)calls->name);                                     \
        separator = ", ";                                                                                              \
    }
    TM_CROSS_ALLOCATOR_CALLS(PUT)
#undef PUT
    fputc('\n', out);
}

void tool_print_reading(FILE *out, const struct tm_reading *reading, const struct tm_totals *left_out)
{
    char program[32];
    fprintf(out, "threadmeter: %s, pid %d%s\n", tool_printable(program, sizeof program, reading->program),
            (int)reading->pid, tool_state_clause(reading));
    put_threads(out, reading, left_out);
    bool exited = !tm__did_nothing(&reading->retired);
    if (exited)
        tool_print_exited(out, reading->retired_rows, reading->retired_row_count);
    bool apart = put_tags(out, reading) | (reading->flow_count > 0) | exited;
    if (reading->flow_count > 0)
        tool_print_flows(out, reading->flows, reading->flow_count, TOOL_FLOWS_SHOWN, "(others)");
    fputs(apart ? "\n" : "", out);
    tool_print_cross_allocator_calls(out, &reading->cross_allocator_calls);
}
