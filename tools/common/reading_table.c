/* SPDX-License-Identifier: BSD-3-Clause */
/* A reading as a table: the same rows, columns and words as tm_report() writes (src/report/report.c). */
#include "common/reading_table.h"
#include "common/allocate.h"
#include "common/numbers.h"
#include "common/printable.h"
#include "common/states.h"
#include "common/table.h"
#include "common/tag_matrix.h"
#include "common/totals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREAD, TID, STATE, LIVE, BLOCKS, PEAK, ALLOCATED, RECEIVED, MADE, LIMIT, TAG_STATE, COLUMNS };
static const struct tool_column columns[COLUMNS] = {
    [THREAD] = {"THREAD", -16, 0},       [TID] = {"TID", 9, 0},
    [STATE] = {"STATE", -8, 2},          [LIVE] = {"LIVE", 11, 0},
    [BLOCKS] = {"BLOCKS", 9, 0},         [PEAK] = {"PEAK", 13, 0},
    [ALLOCATED] = {"ALLOCATED", 12, 0},  [RECEIVED] = {"FREED BY OTHERS", 17, 0},
    [MADE] = {"FREED OF OTHERS", 17, 0}, [LIMIT] = {"LIMIT", 12, 0},
    [TAG_STATE] = {"STATE", 0, 2},
};

static void put_figures(struct tool_table *table, const struct tm_totals *totals, bool peak_is_bound)
{
    char bytes[TOOL_BYTES], peak[TOOL_BYTES + 4];
    snprintf(peak, sizeof peak, "%s%s", peak_is_bound ? "<= " : "", tool_format_bytes(bytes, totals->peak_bytes));
    tool_put_bytes(table, tm_live_bytes(totals));
    tool_put_number(table, tm_live_blocks(totals));
    tool_put_text(table, peak);
    tool_put_bytes(table, totals->allocated_bytes);
    tool_put_bytes(table, totals->remote_frees_received_bytes);
    tool_put_bytes(table, totals->remote_frees_made_bytes);
}

static void put_sum(struct tool_table *table, const char *label, const struct tm_totals *totals)
{
    tool_put_label(table, label, LIVE);
    put_figures(table, totals, true);
    tool_end_row(table);
}

static void put_threads(FILE *out, const struct tm_reading *reading, const struct tm_totals *left_out)
{
    struct tool_table table = {.out = out, .columns = columns};
    tool_put_titles(&table, LIMIT);
    tool_end_row(&table);
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *thread = &reading->threads[i];
        bool shared = thread->thread == 0;
        if (shared && tool_did_nothing(&thread->totals))
            continue;
        tool_put_name(&table, shared ? "(shared)" : thread->name);
        if (shared)
            tool_put_text(&table, "-");
        else
            tool_put_pid(&table, thread->tid);
        tool_put_text(&table, tool_slot_state(thread->state));
        put_figures(&table, &thread->totals, false);
        tool_end_row(&table);
    }
    if (left_out)
        put_sum(&table, "(others)", left_out);
    if (!tool_did_nothing(&reading->retired))
        put_sum(&table, "(exited)", &reading->retired);
    put_sum(&table, "total", &reading->process);
}

int tool_last_of_tag(int limit, bool limited, bool some_ended)
{
    return some_ended ? limit + 2 : limited ? limit + 1 : limit;
}

void tool_put_end_of_tag(struct tool_table *table, uint64_t limit, const char *state)
{
    if (limit != 0)
        tool_put_bytes(table, limit);
    else if (state)
        tool_put_text(table, "");
    if (state)
        tool_put_text(table, state);
    tool_end_row(table);
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
    return tag->limit_bytes != 0 || !tool_did_nothing(&tag->totals);
}

/* False, and nothing, if there are none in which anything was done, or which have a limit. */
static bool put_tags(FILE *out, const struct tm_reading *reading)
{
    struct tool_matrix_tag *shown = tool_allocate(reading->tag_count, sizeof *shown);
    struct tool_table table = {.out = out, .columns = columns};
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
        tool_put_label(&table, "TAG", LIVE);
        tool_put_titles(&table, tool_last_of_tag(LIMIT, limited, some_ended));
        tool_end_row(&table);
        for (size_t i = 0; i < reading->tag_count; i++) {
            const struct tm_tag_reading *tag = &reading->tags[i];
            if (!has_row(tag))
                continue;
            tool_put_label(&table, tag->name, LIVE);
            put_figures(&table, &tag->totals, true);
            tool_put_end_of_tag(&table, tag->limit_bytes, some_ended ? tool_tag_state(tag->open) : NULL);
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

void tool_print_cross_allocator_calls(FILE *out, const struct tm_cross_allocator_calls *cross_allocator_calls)
{
    fprintf(out, "%llu foreign frees, %llu foreign reallocs, %llu intercepted frees, %llu intercepted reallocs",
            (unsigned long long)cross_allocator_calls->foreign_frees,
            (unsigned long long)cross_allocator_calls->foreign_reallocs,
            (unsigned long long)cross_allocator_calls->intercepted_frees,
            (unsigned long long)cross_allocator_calls->intercepted_reallocs);
    if (cross_allocator_calls->errors_reported > 0)
        fprintf(out, ", %llu errors reported", (unsigned long long)cross_allocator_calls->errors_reported);
    fputc('\n', out);
}

void tool_print_reading(FILE *out, const struct tm_reading *reading, const struct tm_totals *left_out)
{
    char program[32];
    fprintf(out, "threadmeter: %s, pid %d%s\n", tool_printable(program, sizeof program, reading->program),
            (int)reading->pid,
            reading->live      ? ""
            : reading->ended   ? ", which has ended"
            : reading->unknown ? ", which cannot be seen from here: it may run"
                               : ", which crashed");
    put_threads(out, reading, left_out);
    bool apart = put_tags(out, reading) | (reading->flow_count > 0);
    if (reading->flow_count > 0)
        tool_print_flows(out, reading->flows, reading->flow_count, TOOL_FLOWS_SHOWN, "(others)");
    fputs(apart ? "\n" : "", out);
    tool_print_cross_allocator_calls(out, &reading->cross_allocator_calls);
}
