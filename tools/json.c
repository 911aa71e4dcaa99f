/* SPDX-License-Identifier: BSD-3-Clause */
/* A reading as JSON. */
#include "tool.h"

/* Of what a sound process says only a limit can be above 2^63, and none so high limits anything. */
json_t *tool_json_number(uint64_t value)
{
    return json_integer(value < INT64_MAX ? (json_int_t)value : INT64_MAX);
}

json_t *tool_json_name(const char *text)
{
    char utf8[256];
    return json_string(tool_utf8(utf8, sizeof utf8, text));
}

void tool_json_put_totals(json_t *object, const struct tm_totals *totals)
{
    json_object_set_new(object, "live_bytes", tool_json_number(tm_live_bytes(totals)));
    json_object_set_new(object, "live_blocks", tool_json_number(tm_live_blocks(totals)));
    json_object_set_new(object, "peak_bytes", tool_json_number(totals->peak_bytes));
    json_object_set_new(object, "allocated_bytes", tool_json_number(totals->allocated_bytes));
    json_object_set_new(object, "allocated_blocks", tool_json_number(totals->allocated_blocks));
    json_object_set_new(object, "freed_bytes", tool_json_number(totals->freed_bytes));
    json_object_set_new(object, "freed_blocks", tool_json_number(totals->freed_blocks));
    json_object_set_new(object, "freed_by_others_bytes", tool_json_number(totals->freed_by_others_bytes));
    json_object_set_new(object, "freed_by_others_blocks", tool_json_number(totals->freed_by_others_blocks));
    json_object_set_new(object, "freed_of_others_bytes", tool_json_number(totals->freed_of_others_bytes));
}

json_t *tool_json_totals(const struct tm_totals *totals)
{
    json_t *object = json_object();
    tool_json_put_totals(object, totals);
    return object;
}

static json_t *state_to_json(enum tm_slot_state state)
{
    static const char *const names[] = {"live", "orphan", "late", "overflow"};
    return json_string(names[state]);
}

static json_t *thread_to_json(const struct tm_thread_reading *thread)
{
    json_t *object = json_object();
    json_object_set_new(object, "thread", tool_json_number(thread->thread));
    json_object_set_new(object, "tid", json_integer(thread->tid));
    json_object_set_new(object, "name", tool_json_name(thread->thread ? thread->name : "(shared)"));
    json_object_set_new(object, "state", state_to_json(thread->state));
    tool_json_put_totals(object, &thread->totals);
    return object;
}

static json_t *tag_to_json(const struct tm_tag_reading *tag)
{
    json_t *object = json_object();
    json_object_set_new(object, "tag", json_integer(tag->tag));
    json_object_set_new(object, "name", tool_json_name(tag->name));
    json_object_set_new(object, "open", json_boolean(tag->open));
    json_object_set_new(object, "limit_bytes", tag->limit_bytes ? tool_json_number(tag->limit_bytes) : json_null());
    tool_json_put_totals(object, &tag->totals);
    return object;
}

static json_t *slot_to_json(const struct tm_slot *slot)
{
    json_t *object = json_object();
    json_object_set_new(object, "slot", tool_json_number(slot->slot));
    json_object_set_new(object, "generation", tool_json_number(slot->generation));
    json_object_set_new(object, "thread", tool_json_number(slot->thread));
    json_object_set_new(object, "tag", json_integer(slot->tag));
    tool_json_put_totals(object, &slot->totals);
    return object;
}

json_t *tool_json_flow(const struct tm_flow *flow)
{
    json_t *object = json_object();
    json_object_set_new(object, "owner", tool_json_number(flow->owner));
    json_object_set_new(object, "owner_tid", json_integer(flow->owner_tid));
    json_object_set_new(object, "owner_name", tool_json_name(flow->owner_name));
    json_object_set_new(object, "freer", tool_json_number(flow->freer));
    json_object_set_new(object, "freer_tid", json_integer(flow->freer_tid));
    json_object_set_new(object, "freer_name", tool_json_name(flow->freer_name));
    json_object_set_new(object, "bytes", tool_json_number(flow->bytes));
    json_object_set_new(object, "blocks", tool_json_number(flow->blocks));
    return object;
}

json_t *tool_json_crossings(const struct tm_crossings *crossings)
{
    json_t *object = json_object();
    json_object_set_new(object, "foreign_frees", tool_json_number(crossings->foreign_frees));
    json_object_set_new(object, "foreign_reallocs", tool_json_number(crossings->foreign_reallocs));
    json_object_set_new(object, "caught_frees", tool_json_number(crossings->caught_frees));
    json_object_set_new(object, "caught_reallocs", tool_json_number(crossings->caught_reallocs));
    json_object_set_new(object, "misuses_told", tool_json_number(crossings->misuses_told));
    return object;
}

#define ARRAY_OF(reading, items, item_to_json) /* of the reading's `items`, item_count of them */                      \
    array = json_array();                                                                                              \
    for (size_t i = 0; i < (reading)->items##_count; i++)                                                              \
        json_array_append_new(array, item_to_json(&(reading)->items##s[i]));                                           \
    json_object_set_new(object, #items "s", array)

json_t *tool_reading_to_json(const struct tm_reading *reading)
{
    json_t *object = json_object(), *array;
    json_object_set_new(object, "version", tool_json_number(1));
    json_object_set_new(object, "time_ns", tool_json_number(reading->time_ns));
    json_object_set_new(object, "started_ns", tool_json_number(reading->started_ns));
    json_object_set_new(object, "pid", json_integer(reading->pid));
    json_object_set_new(object, "parent", reading->parent ? json_integer(reading->parent) : json_null());
    json_object_set_new(object, "program", tool_json_name(reading->program));
    json_object_set_new(object, "live", json_boolean(reading->live));
    json_object_set_new(object, "ended", json_boolean(reading->ended));
    json_object_set_new(object, "unknown", json_boolean(reading->unknown));
    json_object_set_new(object, "process", tool_json_totals(&reading->process));
    json_object_set_new(object, "retired", tool_json_totals(&reading->retired));
    json_object_set_new(object, "crossings", tool_json_crossings(&reading->crossings));
    ARRAY_OF(reading, thread, thread_to_json);
    ARRAY_OF(reading, tag, tag_to_json);
    ARRAY_OF(reading, slot, slot_to_json);
    json_object_set_new(object, "flow_on", json_boolean(reading->flow_on));
    ARRAY_OF(reading, flow, tool_json_flow);
    return object;
}
