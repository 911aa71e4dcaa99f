/* SPDX-License-Identifier: BSD-3-Clause */
/* A recording's summary as text. */
#include "report/report_text.h"
#include "common/allocate.h"
#include "common/columns.h"
#include "common/numbers.h"
#include "common/printable.h"
#include "common/reading_table.h"
#include "common/table.h"
#include "common/tag_matrix.h"
#include "common/totals.h"
#include "recording/recording.h"
#include "report/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const end_sentences[RECORDING_ENDS] = {
    "the recording has no end: it goes on, or was cut off",
    "until the process ended",
    "until it was stopped",
    "for as long as was asked for",
    "until the process could not be read any more",
    "until what was read could not be written any more",
};

enum { ROWS_SHOWN = 30, NAME = 32 };

static void put_head(FILE *out, const struct summary *summary)
{
    char name[NAME], began[32], bytes[TOOL_BYTES], rate[TOOL_BYTES];
    time_t seconds = (time_t)(summary->info.recorded_ns / 1000000000);
    struct tm broken;
    if (!localtime_r(&seconds, &broken) || strftime(began, sizeof began, "%Y-%m-%d %H:%M:%S", &broken) == 0)
        strcpy(began, "?");
    fprintf(out, "%s, pid %d, recorded %s: %zu readings over %.1f s, one every %g s, %s\n",
            tool_printable(name, sizeof name, summary->info.program), (int)summary->info.pid, began,
            summary->reading_count, (double)summary->last_ns / 1e9, (double)summary->info.every_ns / 1e9,
            end_sentences[summary->rest.end]);
    if (summary->rest.why)
        fprintf(out, "the last %llu bytes of the file are lost: %s\n", (unsigned long long)summary->rest.lost_bytes,
                summary->rest.why);
    fprintf(out, "\n%-10s %10s  at %.1f s, the highest of the readings\n", "peak",
            tool_format_bytes(bytes, summary->peak.live), (double)summary->peak.elapsed_ns / 1e9);
    fprintf(out, "%-10s %10s  in %llu blocks\n", "at end", tool_format_bytes(bytes, tm_live_bytes(&summary->process)),
            (unsigned long long)tm_live_blocks(&summary->process));
    fprintf(out, "%-10s %10s  in %llu blocks; %s a second while recorded\n", "allocated",
            tool_format_bytes(bytes, summary->process.allocated_bytes),
            (unsigned long long)summary->process.allocated_blocks, tool_format_bytes(rate, summary_rate(summary)));
    if (summary->resident_peak > 0)
        fprintf(out, "%-10s %10s  at most\n", "resident", tool_format_bytes(bytes, summary->resident_peak));
}

static void put_sum(struct tool_figures_table *table, const char *label, const struct account *sum)
{
    struct tm__figures figures = account_figures(sum);
    tool_put_sum(table, label, &figures);
}

/* The sum of the rows that are left out, as one row. */
static void put_left_out(struct tool_figures_table *table, size_t count, const struct account *sum)
{
    char label[40];
    snprintf(label, sizeof label, "(%zu more: --all)", count);
    if (count > 0)
        put_sum(table, label, sum);
}

static void put_threads(FILE *out, const struct summary *summary, const struct account **order, size_t shown)
{
    struct tool_figures_table table;
    struct account more = summary_sum(summary);
    size_t count = 0;
    fputc('\n', out);
    tool_begin_figures(&table, out, TOOL_OF_RECORDING);
    tool_put_thread_titles(&table);
    for (size_t i = 0; i < summary->threads.count; i++) {
        const struct account *account = order[i];
        if (account->thread == 0 && tm__did_nothing(&account->totals))
            continue;
        if (++count > shown) {
            account_add(&more, account);
            continue;
        }
        tool_put_name(&table.table, account_name(account));
        if (account->thread != 0)
            tool_put_pid(&table.table, account->tid);
        else
            tool_put_text(&table.table, "-");
        tool_put_text(&table.table, account_state(account));
        const struct tm__figures figures = account_figures(account);
        tool_put_figures(&table, &figures, false);
    }
    put_left_out(&table, count > shown ? count - shown : 0, &more);
    if (!tm__did_nothing(&summary->unseen.totals) || summary->unseen.totals.remote_frees_received_bytes > 0)
        put_sum(&table, "(exited, between two readings)", &summary->unseen);
    const struct account total = {.totals = summary->process,
                                  .at_peak = summary->peak.live,
                                  .at_end = tm_live_bytes(&summary->process),
                                  .allocated_before = summary->first.allocated_bytes,
                                  .last_ns = summary->last_ns};
    put_sum(&table, "total", &total);
}

/* As in dump: tags that were used, or have a limit. */
static bool has_row(const struct account *tag)
{
    return tag->limit_bytes != 0 || !tm__did_nothing(&tag->totals);
}

/* Prints nothing, and returns false, if no tag has a row. */
static bool put_tags(FILE *out, const struct summary *summary, size_t shown)
{
    const struct account **order = accounts_by_peak(&summary->tags);
    struct account more = summary_sum(summary);
    struct tool_figures_table table;
    size_t count = 0;
    bool limited = false, some_ended = false;
    for (size_t i = 0; i < summary->tags.count; i++)
        if (has_row(order[i])) {
            limited |= order[i]->limit_bytes != 0;
            some_ended |= !order[i]->there || !order[i]->open;
            order[count++] = order[i];
        }
    tool_begin_figures(&table, out, TOOL_OF_RECORDING);
    if (count > 0) {
        fputc('\n', out);
        tool_put_tag_titles(&table, limited, some_ended);
    }
    for (size_t i = 0; i < count; i++)
        if (i < shown) {
            const struct tm__figures figures = account_figures(order[i]);
            tool_put_tag(&table, account_name(order[i]), &figures, some_ended ? account_state(order[i]) : NULL);
        } else {
            account_add(&more, order[i]);
        }
    put_left_out(&table, count > shown ? count - shown : 0, &more);
    free(order);
    return count > 0;
}

static int by_at_peak(const void *a, const void *b)
{
    const struct account *one = *(const struct account *const *)a, *other = *(const struct account *const *)b;
    if (one->at_peak != other->at_peak)
        return one->at_peak > other->at_peak ? -1 : 1;
    return (one->key > other->key) - (one->key < other->key);
}

static void put_matrix(FILE *out, const struct summary *summary, size_t shown)
{
    const struct account **tags = accounts_by_peak(&summary->tags), **threads = accounts_by_peak(&summary->threads);
    struct tool_matrix_tag *columns_of = tool_allocate(summary->tags.count, sizeof *columns_of);
    struct tool_matrix_thread *rows = tool_allocate(summary->threads.count, sizeof *rows);
    size_t tag_count = 0, owners = 0; /* shared slots have no tag */
    qsort(threads, summary->threads.count, sizeof *threads, by_at_peak);
    for (size_t i = 0; i < summary->tags.count; i++)
        if (has_row(tags[i]))
            columns_of[tag_count++] = (struct tool_matrix_tag){tags[i]->tag, account_name(tags[i])};
    for (size_t i = 0; i < summary->threads.count; i++)
        if (threads[i]->thread != 0 && threads[i]->at_peak > 0)
            rows[owners++] = (struct tool_matrix_thread){threads[i]->thread, threads[i]->tid, account_name(threads[i])};
    tool_print_matrix(out, &(struct tool_matrix){.title = "AT PEAK, BY TAG",
                                                 .threads = rows,
                                                 .thread_count = owners < shown ? owners : shown,
                                                 .tags = columns_of,
                                                 .tag_count = tag_count,
                                                 .slots = summary->at_peak.slots,
                                                 .slot_count = summary->at_peak.count});
    if (owners > shown)
        fprintf(out, "(%zu more: --all)\n", owners - shown);
    free(rows);
    free(columns_of);
    free(threads);
    free(tags);
}

void report_print(FILE *out, const struct summary *summary, bool all)
{
    const struct account **threads = accounts_by_peak(&summary->threads);
    put_head(out, summary);
    put_threads(out, summary, threads, all ? SIZE_MAX : ROWS_SHOWN);
    if (put_tags(out, summary, all ? SIZE_MAX : ROWS_SHOWN))
        put_matrix(out, summary, all ? SIZE_MAX : ROWS_SHOWN);
    if (summary->flow_count > 0)
        tool_print_flows(out, summary->flows, summary->flow_count, all ? SIZE_MAX : TOOL_FLOWS_SHOWN,
                         all ? "(others)" : "(others: --all)");
    fputc('\n', out);
    tool_print_cross_allocator_calls(out, &summary->cross_allocator_calls);
    free(threads);
}
