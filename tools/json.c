/* SPDX-License-Identifier: BSD-3-Clause */
/* A reading as JSON. Byte counts above 2^63 do not occur: no address space is so large. */
#include "tool.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *name(const char *text)
{
    char printable[256];
    return json_string(tool_printable(printable, sizeof printable, text));
}

static void put_totals(json_t *object, const struct tm_totals *totals)
{
    json_object_set_new(object, "live_bytes", number(tm_live_bytes(totals)));
    json_object_set_new(object, "live_blocks", number(tm_live_blocks(totals)));
    json_object_set_new(object, "peak_bytes", number(totals->peak_bytes));
    json_object_set_new(object, "allocated_bytes", number(totals->allocated_bytes));
    json_object_set_new(object, "allocated_blocks", number(totals->allocated_blocks));
    json_object_set_new(object, "freed_bytes", number(totals->freed_bytes));
    json_object_set_new(object, "freed_blocks", number(totals->freed_blocks));
    json_object_set_new(object, "freed_by_others_bytes", number(totals->freed_by_others_bytes));
    json_object_set_new(object, "freed_by_others_blocks", number(totals->freed_by_others_blocks));
    json_object_set_new(object, "freed_of_others_bytes", number(totals->freed_of_others_bytes));
}

static json_t *totals_to_json(const struct tm_totals *totals)
{
    json_t *object = json_object();
    put_totals(object, totals);
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
    json_object_set_new(object, "thread", number(thread->thread));
    json_object_set_new(object, "tid", number((uint64_t)thread->tid));
    json_object_set_new(object, "name", name(thread->name));
    json_object_set_new(object, "state", state_to_json(thread->state));
    put_totals(object, &thread->totals);
    return object;
}

static json_t *tag_to_json(const struct tm_tag_reading *tag)
{
    json_t *object = json_object();
    json_object_set_new(object, "tag", number((uint64_t)tag->tag));
    json_object_set_new(object, "name", name(tag->name));
    json_object_set_new(object, "open", json_boolean(tag->open));
    json_object_set_new(object, "limit_bytes", tag->limit_bytes ? number(tag->limit_bytes) : json_null());
    put_totals(object, &tag->totals);
    return object;
}

static json_t *slot_to_json(const struct tm_slot *slot)
{
    json_t *object = json_object();
    json_object_set_new(object, "slot", number(slot->slot));
    json_object_set_new(object, "generation", number(slot->generation));
    json_object_set_new(object, "thread", number(slot->thread));
    json_object_set_new(object, "tag", number((uint64_t)slot->tag));
    put_totals(object, &slot->totals);
    return object;
}

static json_t *flow_to_json(const struct tm_flow *flow)
{
    json_t *object = json_object();
    json_object_set_new(object, "owner", number(flow->owner));
    json_object_set_new(object, "owner_tid", number((uint64_t)flow->owner_tid));
    json_object_set_new(object, "owner_name", name(flow->owner_name));
    json_object_set_new(object, "freer", number(flow->freer));
    json_object_set_new(object, "freer_tid", number((uint64_t)flow->freer_tid));
    json_object_set_new(object, "freer_name", name(flow->freer_name));
    json_object_set_new(object, "bytes", number(flow->bytes));
    json_object_set_new(object, "blocks", number(flow->blocks));
    return object;
}

static json_t *crossings_to_json(const struct tm_crossings *crossings)
{
    json_t *object = json_object();
    json_object_set_new(object, "foreign_frees", number(crossings->foreign_frees));
    json_object_set_new(object, "foreign_reallocs", number(crossings->foreign_reallocs));
    json_object_set_new(object, "caught_frees", number(crossings->caught_frees));
    json_object_set_new(object, "caught_reallocs", number(crossings->caught_reallocs));
    json_object_set_new(object, "misuses_told", number(crossings->misuses_told));
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
    json_object_set_new(object, "version", number(1));
    json_object_set_new(object, "time_ns", number(reading->time_ns));
    json_object_set_new(object, "started_ns", number(reading->started_ns));
    json_object_set_new(object, "pid", number((uint64_t)reading->pid));
    json_object_set_new(object, "parent", reading->parent ? number((uint64_t)reading->parent) : json_null());
    json_object_set_new(object, "program", name(reading->program));
    json_object_set_new(object, "live", json_boolean(reading->live));
    json_object_set_new(object, "process", totals_to_json(&reading->process));
    json_object_set_new(object, "retired", totals_to_json(&reading->retired));
    json_object_set_new(object, "crossings", crossings_to_json(&reading->crossings));
    ARRAY_OF(reading, thread, thread_to_json);
    ARRAY_OF(reading, tag, tag_to_json);
    ARRAY_OF(reading, slot, slot_to_json);
    json_object_set_new(object, "flow_on", json_boolean(reading->flow_on));
    ARRAY_OF(reading, flow, flow_to_json);
    return object;
}
