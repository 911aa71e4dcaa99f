/* SPDX-License-Identifier: BSD-3-Clause */
/* A recording's summary as JSON. recording_read.c has checked that all numbers fit in JSON's integers. */
#include "report/report_json.h"
#include "common/json_writer.h"
#include "common/reading_json.h"
#include "common/totals.h"
#include "recording/recording.h"
#include "report/summary.h"

#include <stdlib.h>

/* Of what threads share, one that nobody took part in has none. */
bool report_has_row(const struct account *account, bool is_thread)
{
    return !is_thread || account->thread != 0 || !tm__did_nothing(&account->totals);
}

void report_put_account(struct tool_json *json, const struct account *account, bool is_thread)
{
    tool_json_open(json, NULL, '{');
    if (is_thread) {
        tool_json_number(json, "thread", account->thread);
        tool_json_integer(json, "tid", account->tid);
    } else {
        tool_json_integer(json, "tag", account->tag);
        tool_json_number_or_null(json, "limit_bytes", account->limit_bytes);
    }
    tool_json_text(json, "name", account_name(account));
    tool_json_text(json, "state", account_state(account));
    /* The live bytes of a thread that is gone are 0. */
    const struct tm__figures figures = account_figures(account);
    tool_json_put_figures(json, &figures);
    tool_json_number(json, "at_peak_bytes", account->at_peak);
    tool_json_number(json, "highest_bytes", account->highest);
    tool_json_number(json, "allocated_bytes_per_second", account_rate(account));
    tool_json_number(json, "first_ns", account->first_ns);
    tool_json_number(json, "last_ns", account->last_ns);
    tool_json_close(json, '}');
}

/* Its live bytes are 0, also if a reading saw some of these threads with live blocks. */
void report_put_unseen(struct tool_json *json, const struct account *unseen)
{
    tool_json_open(json, "unseen", '{');
    const struct tm__figures figures = {.totals = unseen->totals};
    tool_json_put_figures(json, &figures);
    tool_json_number(json, "allocated_bytes_per_second", account_rate(unseen));
    tool_json_close(json, '}');
}

static void put_accounts(struct tool_json *json, const char *name, const struct accounts *accounts, bool are_threads)
{
    const struct account **order = accounts_by_peak(accounts);
    tool_json_open(json, name, '[');
    for (size_t i = 0; i < accounts->count; i++)
        if (report_has_row(order[i], are_threads))
            report_put_account(json, order[i], are_threads);
    tool_json_close(json, ']');
    free(order);
}

bool report_has_cell(const struct tm_slot *slot)
{
    return slot->totals.allocated_blocks > 0;
}

void report_put_cell(struct tool_json *json, const struct tm_slot *slot)
{
    tool_json_open(json, NULL, '{');
    tool_json_number(json, "thread", slot->thread);
    tool_json_integer(json, "tid", slot->tid);
    tool_json_integer(json, "tag", slot->tag);
    tool_json_number(json, "live_bytes", tm_live_bytes(&slot->totals));
    tool_json_number(json, "live_blocks", tm_live_blocks(&slot->totals));
    tool_json_close(json, '}');
}

static void put_matrix(struct tool_json *json, const char *name, const struct matrix *matrix)
{
    tool_json_open(json, name, '[');
    for (size_t i = 0; i < matrix->count; i++)
        if (report_has_cell(&matrix->slots[i]))
            report_put_cell(json, &matrix->slots[i]);
    tool_json_close(json, ']');
}

void report_put_head(struct tool_json *json, const struct summary *summary)
{
    tool_json_number(json, "version", 1);
    tool_json_text(json, "program", summary->info.program);
    tool_json_integer(json, "pid", summary->info.pid);
    tool_json_pid_or_null(json, "parent", summary->info.parent);
    tool_json_number(json, "started_ns", summary->info.started_ns);
    tool_json_number(json, "recorded_ns", summary->info.recorded_ns);
    tool_json_number(json, "every_ns", summary->info.every_ns);
    tool_json_number(json, "readings", summary->reading_count);
    tool_json_number(json, "duration_ns", summary->last_ns);
    tool_json_text(json, "end", recording_end_name(summary->rest.end));
    tool_json_number(json, "lost_bytes", summary->rest.lost_bytes);
    if (summary->rest.why)
        tool_json_text(json, "lost_why", summary->rest.why);
    else
        tool_json_null(json, "lost_why");
    tool_json_open(json, "peak", '{');
    tool_json_number(json, "live_bytes", summary->peak.live);
    tool_json_number(json, "elapsed_ns", summary->peak.elapsed_ns);
    tool_json_close(json, '}');
    tool_json_totals(json, "process", &summary->process);
    tool_json_totals(json, "retired", &summary->retired);
    tool_json_cross_allocator_calls(json, "cross_allocator_calls", &summary->cross_allocator_calls);
    tool_json_number(json, "allocated_bytes_per_second", summary_rate(summary));
    tool_json_number_or_null(json, "resident_bytes", summary->resident);
    tool_json_number_or_null(json, "resident_peak_bytes", summary->resident_peak);
}

void report_put_json(struct tool_json *json, const struct summary *summary)
{
    tool_json_open(json, NULL, '{');
    report_put_head(json, summary);
    put_accounts(json, "threads", &summary->threads, true);
    report_put_unseen(json, &summary->unseen);
    put_accounts(json, "tags", &summary->tags, false);
    tool_json_open(json, "matrix", '{');
    put_matrix(json, "at_peak", &summary->at_peak);
    put_matrix(json, "at_end", &summary->at_end);
    tool_json_close(json, '}');
    tool_json_flag(json, "flow_on", summary->flow_on);
    tool_json_open(json, "flows", '[');
    for (size_t i = 0; i < summary->flow_count; i++)
        tool_json_flow(json, &summary->flows[i]);
    tool_json_close(json, ']');
    tool_json_close(json, '}');
}
