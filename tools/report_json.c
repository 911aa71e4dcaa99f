/* SPDX-License-Identifier: BSD-3-Clause */
/* A recording's summary as JSON. Numbers of a recording fit in JSON's integers: recording_read.c sees to that. */
#include "report.h"

#include <stdlib.h>

/* Of what threads share, one that nobody took part in has none. */
bool report_has_row(const struct account *account, bool is_thread)
{
    return !is_thread || account->thread != 0 || !tool_did_nothing(&account->totals);
}

json_t *report_account_to_json(const struct account *account, bool is_thread)
{
    static const char *const states[] = {"live", "orphan", "late", "overflow"};
    json_t *object = json_object();
    if (is_thread) {
        json_object_set_new(object, "thread", tool_json_number(account->thread));
        json_object_set_new(object, "tid", json_integer(account->tid));
        json_object_set_new(object, "state", json_string(account->there ? states[account->state] : "gone"));
    } else {
        json_object_set_new(object, "tag", json_integer(account->tag));
        json_object_set_new(object, "limit_bytes",
                            account->limit_bytes ? tool_json_number(account->limit_bytes) : json_null());
    }
    json_object_set_new(object, "name", tool_json_name(account_name(account)));
    tool_json_put_totals(object, &account->totals);
    json_object_set_new(object, "live_bytes", tool_json_number(account->at_end)); /* of one that is gone: 0 */
    if (!account->there)
        json_object_set_new(object, "live_blocks", tool_json_number(0));
    json_object_set_new(object, "at_peak_bytes", tool_json_number(account->at_peak));
    json_object_set_new(object, "highest_bytes", tool_json_number(account->highest));
    json_object_set_new(object, "allocated_bytes_per_second", tool_json_number(account_rate(account)));
    json_object_set_new(object, "first_ns", tool_json_number(account->first_ns));
    json_object_set_new(object, "last_ns", tool_json_number(account->last_ns));
    return object;
}

/* Its live bytes are none, whoever was seen with some. */
static json_t *unseen_to_json(const struct account *unseen)
{
    json_t *object = tool_json_totals(&unseen->totals);
    json_object_set_new(object, "live_bytes", tool_json_number(0));
    json_object_set_new(object, "live_blocks", tool_json_number(0));
    json_object_set_new(object, "allocated_bytes_per_second", tool_json_number(account_rate(unseen)));
    return object;
}

static json_t *accounts_to_json(const struct accounts *accounts, bool are_threads)
{
    json_t *array = json_array();
    const struct account **order = accounts_by_peak(accounts);
    for (size_t i = 0; i < accounts->count; i++)
        if (report_has_row(order[i], are_threads))
            json_array_append_new(array, report_account_to_json(order[i], are_threads));
    free(order);
    return array;
}

bool report_has_cell(const struct tm_slot *slot)
{
    return slot->totals.allocated_blocks > 0;
}

json_t *report_cell_to_json(const struct tm_slot *slot)
{
    json_t *object = json_object();
    json_object_set_new(object, "thread", tool_json_number(slot->thread));
    json_object_set_new(object, "tid", json_integer(slot->tid));
    json_object_set_new(object, "tag", json_integer(slot->tag));
    json_object_set_new(object, "live_bytes", tool_json_number(tm_live_bytes(&slot->totals)));
    json_object_set_new(object, "live_blocks", tool_json_number(tm_live_blocks(&slot->totals)));
    return object;
}

static json_t *matrix_to_json(const struct matrix *matrix)
{
    json_t *array = json_array();
    for (size_t i = 0; i < matrix->count; i++)
        if (report_has_cell(&matrix->slots[i]))
            json_array_append_new(array, report_cell_to_json(&matrix->slots[i]));
    return array;
}

static json_t *flows_to_json(const struct summary *summary)
{
    json_t *array = json_array();
    for (size_t i = 0; i < summary->flow_count; i++)
        json_array_append_new(array, tool_json_flow(&summary->flows[i]));
    return array;
}

static json_t *peak_to_json(const struct summary *summary)
{
    json_t *object = json_object();
    json_object_set_new(object, "live_bytes", tool_json_number(summary->peak.live));
    json_object_set_new(object, "elapsed_ns", tool_json_number(summary->peak.elapsed_ns));
    return object;
}

json_t *report_head_to_json(const struct summary *summary)
{
    json_t *object = json_object();
    json_object_set_new(object, "version", tool_json_number(1));
    json_object_set_new(object, "program", tool_json_name(summary->info.program));
    json_object_set_new(object, "pid", json_integer(summary->info.pid));
    json_object_set_new(object, "parent", summary->info.parent ? json_integer(summary->info.parent) : json_null());
    json_object_set_new(object, "started_ns", tool_json_number(summary->info.started_ns));
    json_object_set_new(object, "recorded_ns", tool_json_number(summary->info.recorded_ns));
    json_object_set_new(object, "every_ns", tool_json_number(summary->info.every_ns));
    json_object_set_new(object, "readings", tool_json_number(summary->reading_count));
    json_object_set_new(object, "duration_ns", tool_json_number(summary->last_ns));
    json_object_set_new(object, "end", json_string(recording_end_names[summary->rest.end]));
    json_object_set_new(object, "lost_bytes", tool_json_number(summary->rest.lost_bytes));
    json_object_set_new(object, "lost_why", summary->rest.why ? json_string(summary->rest.why) : json_null());
    json_object_set_new(object, "peak", peak_to_json(summary));
    json_object_set_new(object, "process", tool_json_totals(&summary->process));
    json_object_set_new(object, "retired", tool_json_totals(&summary->retired));
    json_object_set_new(object, "crossings", tool_json_crossings(&summary->crossings));
    json_object_set_new(object, "allocated_bytes_per_second", tool_json_number(summary_rate(summary)));
    json_object_set_new(object, "resident_bytes",
                        summary->resident ? tool_json_number(summary->resident) : json_null());
    json_object_set_new(object, "resident_peak_bytes",
                        summary->resident_peak ? tool_json_number(summary->resident_peak) : json_null());
    json_object_set_new(object, "unseen", unseen_to_json(&summary->unseen));
    json_object_set_new(object, "flow_on", json_boolean(summary->flow_on));
    return object;
}

json_t *report_to_json(const struct summary *summary)
{
    json_t *object = report_head_to_json(summary), *matrix = json_object();
    json_object_set_new(object, "threads", accounts_to_json(&summary->threads, true));
    json_object_set_new(object, "tags", accounts_to_json(&summary->tags, false));
    json_object_set_new(matrix, "at_peak", matrix_to_json(&summary->at_peak));
    json_object_set_new(matrix, "at_end", matrix_to_json(&summary->at_end));
    json_object_set_new(object, "matrix", matrix);
    json_object_set_new(object, "flows", flows_to_json(summary));
    return object;
}
