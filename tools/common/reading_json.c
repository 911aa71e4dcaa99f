/* SPDX-License-Identifier: BSD-3-Clause */
/* A reading as JSON. */
#include "common/reading_json.h"
#include "common/json_writer.h"
#include "common/states.h"
#include "common/system.h"

void tool_json_put_figures(struct tool_json *json, const struct tm__figures *figures)
{
    tool_json_number(json, "live_bytes", figures->live_bytes);
    tool_json_number(json, "live_blocks", figures->live_blocks);
    tool_json_number(json, "peak_bytes", figures->totals.peak_bytes);
#define PUT(name, unit, meaning) tool_json_number(json, #name, figures->totals.name);
    TM_COUNTERS(PUT)
#undef PUT
    for (int i = 0; i < TM__COLUMNS; i++)
        if (tm__columns[i].computed)
            tool_json_number(json, tm__columns[i].key, tm__figure(&tm__columns[i], figures));
}

/* 0: there is none. */
void tool_json_pid_or_null(struct tool_json *json, const char *name, pid_t pid)
{
    if (pid != 0)
        tool_json_integer(json, name, pid);
    else
        tool_json_null(json, name);
}

static void put_totals(struct tool_json *json, const struct tm_totals *totals)
{
    const struct tm__figures figures = tm__figures_of(totals);
    tool_json_put_figures(json, &figures);
}

void tool_json_totals(struct tool_json *json, const char *name, const struct tm_totals *totals)
{
    tool_json_open(json, name, '{');
    put_totals(json, totals);
    tool_json_close(json, '}');
}

static void put_thread(struct tool_json *json, const struct tm_thread_reading *thread)
{
    tool_json_open(json, NULL, '{');
    tool_json_number(json, "thread", thread->thread);
    tool_json_integer(json, "tid", thread->tid);
    tool_json_text(json, "name", thread->thread ? thread->name : "(shared)");
    tool_json_text(json, "state", tm_slot_state_name(thread->state));
    put_totals(json, &thread->totals);
    tool_json_close(json, '}');
}

static void put_tag(struct tool_json *json, const struct tm_tag_reading *tag)
{
    tool_json_open(json, NULL, '{');
    tool_json_integer(json, "tag", tag->tag);
    tool_json_text(json, "name", tag->name);
    tool_json_text(json, "state", tool_tag_state(tag->open));
    tool_json_number_or_null(json, "limit_bytes", tag->limit_bytes);
    put_totals(json, &tag->totals);
    tool_json_close(json, '}');
}

static void put_slot(struct tool_json *json, const struct tm_slot *slot)
{
    tool_json_open(json, NULL, '{');
    tool_json_number(json, "slot", slot->slot);
    tool_json_number(json, "generation", slot->generation);
    tool_json_number(json, "thread", slot->thread);
    tool_json_integer(json, "tag", slot->tag);
    put_totals(json, &slot->totals);
    tool_json_close(json, '}');
}

static void put_retired_row(struct tool_json *json, const struct tm_retired *row)
{
    tool_json_open(json, NULL, '{');
    tool_json_text(json, "name", row->name);
    tool_json_text(json, "tag", row->tag);
    tool_json_number(json, "accounts", row->accounts);
    tool_json_number(json, "thread_peak_bytes", row->thread_peak_bytes);
    put_totals(json, &row->totals);
    tool_json_close(json, '}');
}

void tool_json_flow(struct tool_json *json, const struct tm_flow *flow)
{
    tool_json_open(json, NULL, '{');
    tool_json_number(json, "owner", flow->owner);
    tool_json_integer(json, "owner_tid", flow->owner_tid);
    tool_json_text(json, "owner_name", flow->owner_name);
    tool_json_number(json, "freer", flow->freer);
    tool_json_integer(json, "freer_tid", flow->freer_tid);
    tool_json_text(json, "freer_name", flow->freer_name);
    tool_json_number(json, "bytes", flow->bytes);
    tool_json_number(json, "blocks", flow->blocks);
    tool_json_close(json, '}');
}

void tool_json_cross_allocator_calls(struct tool_json *json, const char *name,
                                     const struct tm_cross_allocator_calls *cross_allocator_calls)
{
    tool_json_open(json, name, '{');
#define PUT(name, words, meaning) tool_json_number(json, #name, cross_allocator_calls->name);
    TM_CROSS_ALLOCATOR_CALLS(PUT)
#undef PUT
    tool_json_close(json, '}');
}

static void put_memory(struct tool_json *json, const struct tm_reading *reading)
{
    struct tool_memory memory;
    if (!reading->visible || !tool_process_memory(reading->pid, &memory)) {
        tool_json_null(json, "memory");
        return;
    }
    tool_json_open(json, "memory", '{');
    tool_json_number(json, "resident_bytes", memory.resident_bytes);
    tool_json_number(json, "anonymous_bytes", memory.anonymous_bytes);
    tool_json_close(json, '}');
}

#define PUT_ARRAY(reading, items, put_item) /* of the reading's `items`, item_count of them */                         \
    tool_json_open(json, #items "s", '[');                                                                             \
    for (size_t i = 0; i < (reading)->items##_count; i++)                                                              \
        put_item(json, &(reading)->items##s[i]);                                                                       \
    tool_json_close(json, ']')

void tool_json_reading(struct tool_json *json, const struct tm_reading *reading)
{
    tool_json_open(json, NULL, '{');
    tool_json_number(json, "version", 1);
    tool_json_number(json, "time_ns", reading->time_ns);
    tool_json_number(json, "started_ns", reading->started_ns);
    tool_json_integer(json, "pid", reading->pid);
    tool_json_pid_or_null(json, "parent", reading->parent);
    tool_json_text(json, "program", reading->program);
    tool_json_number(json, "uid", reading->uid);
    tool_json_flag(json, "live", reading->live);
    tool_json_flag(json, "ended", reading->ended);
    tool_json_flag(json, "unknown", reading->unknown);
    tool_json_totals(json, "process", &reading->process);
    tool_json_totals(json, "retired", &reading->retired);
    put_memory(json, reading);
    tool_json_cross_allocator_calls(json, "cross_allocator_calls", &reading->cross_allocator_calls);
    PUT_ARRAY(reading, thread, put_thread);
    PUT_ARRAY(reading, tag, put_tag);
    PUT_ARRAY(reading, slot, put_slot);
    PUT_ARRAY(reading, retired_row, put_retired_row);
    tool_json_flag(json, "flow_on", reading->flow_on);
    PUT_ARRAY(reading, flow, tool_json_flow);
    tool_json_close(json, '}');
}
