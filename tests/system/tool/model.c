/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/counters.h"
#include "model.h"

#include <string.h>

static uint64_t processes_ever;

static void add(struct tm_totals *sum, const struct tm_totals *more)
{
    add_counters(sum, more);
    sum->peak_bytes += more->peak_bytes;
}

static bool has_owner(const struct model *model, uint32_t slot)
{
    return slot < 2 || model->generations[slot] % 2 == 1;
}

static void set_identity(struct model *model)
{
    processes_ever++;
    model->inode = 1000 + processes_ever % 7; /* the kernel reuses inode numbers */
    model->started_ns = processes_ever;
}

void model_init(struct model *model, const char *program)
{
    *model = (struct model){0};
    set_identity(model);
    strncpy(model->program, program, sizeof model->program - 1);
    model->slots[0].state = TM_LATE;
    model->slots[1] = (struct tm_slot){.slot = 1, .state = TM_OVERFLOW};
}

uint32_t model_thread(struct model *model, uint64_t thread, int32_t tag, const char *name)
{
    for (uint32_t i = 2; i < MODEL_SLOTS; i++) {
        if (has_owner(model, i))
            continue;
        struct tm_slot *slot = &model->slots[i];
        *slot = (struct tm_slot){.slot = i, .generation = ++model->generations[i] / 2, .tag = tag, .state = TM_LIVE};
        slot->thread = thread ? thread : ++model->threads_ever;
        slot->tid = 1000 + (pid_t)slot->thread;
        strncpy(slot->name, name, sizeof slot->name - 1);
        return i;
    }
    return 0;
}

void model_allocate(struct model *model, uint32_t slot, uint64_t bytes)
{
    struct tm_totals *totals = &model->slots[slot].totals;
    totals->allocated_bytes += bytes;
    totals->allocated_blocks++;
    if (tm_live_bytes(totals) > totals->peak_bytes)
        totals->peak_bytes = tm_live_bytes(totals);
}

static struct tm_tag_reading *tag_of(struct model *model, int32_t tag)
{
    for (size_t i = 0; i < MODEL_TAGS; i++)
        if (tag != 0 && model->tags[i].tag == tag)
            return &model->tags[i];
    return NULL;
}

static void retire_if_empty(struct model *model, uint32_t number)
{
    struct tm_slot *slot = &model->slots[number];
    if (number < 2 || slot->state != TM_ORPHAN || tm_live_blocks(&slot->totals) > 0)
        return;
    add(&model->retired, &slot->totals);
    if (tag_of(model, slot->tag))
        add(&tag_of(model, slot->tag)->totals, &slot->totals);
    model->generations[number]++;
}

void model_free(struct model *model, uint32_t slot, uint64_t bytes, uint32_t by)
{
    struct tm_totals *totals = &model->slots[slot].totals;
    totals->freed_bytes += bytes;
    totals->freed_blocks++;
    if (by != slot) {
        totals->remote_frees_received_bytes += bytes;
        totals->remote_frees_received_blocks++;
        model->slots[by].totals.remote_frees_made_bytes += bytes;
    }
    retire_if_empty(model, slot);
}

void model_exit(struct model *model, uint64_t thread)
{
    for (uint32_t i = 2; i < MODEL_SLOTS; i++)
        if (has_owner(model, i) && model->slots[i].thread == thread) {
            model->slots[i].state = TM_ORPHAN;
            retire_if_empty(model, i);
        }
}

int32_t model_tag(struct model *model, const char *name)
{
    for (size_t i = 0; i < MODEL_TAGS; i++)
        if (model->tags[i].tag == 0) {
            model->tags[i] = (struct tm_tag_reading){.tag = ++model->tags_ever, .open = true};
            strncpy(model->tags[i].name, name, sizeof model->tags[i].name - 1);
            return model->tags[i].tag;
        }
    return 0;
}

void model_end_tag(struct model *model, int32_t tag)
{
    for (uint32_t i = 2; i < MODEL_SLOTS; i++)
        if (has_owner(model, i) && model->slots[i].tag == tag)
            return;
    *tag_of(model, tag) = (struct tm_tag_reading){0};
}

struct model model_fork(const struct model *model, uint64_t thread)
{
    struct model child = *model;
    set_identity(&child);
    child.parent = 4711;
    for (uint32_t i = 2; i < MODEL_SLOTS; i++)
        if (has_owner(&child, i) && child.slots[i].thread != thread)
            model_exit(&child, child.slots[i].thread);
    return child;
}

struct tm_totals model_process(const struct model *model)
{
    struct tm_totals totals = model->retired;
    for (uint32_t i = 0; i < MODEL_SLOTS; i++)
        if (has_owner(model, i))
            add(&totals, &model->slots[i].totals);
    return totals;
}

const struct tm_reading *model_read(const struct model *model)
{
    static struct tm_slot slots[MODEL_SLOTS];
    static struct tm_thread_reading threads[MODEL_SLOTS];
    static struct tm_tag_reading tags[MODEL_TAGS];
    static struct tm_reading reading;
    reading = (struct tm_reading){.started_ns = model->started_ns,
                                  .pid = 1,
                                  .parent = model->parent,
                                  .uid = model->uid,
                                  .live = !model->ended && !model->unknown,
                                  .unknown = model->unknown,
                                  .process = model_process(model),
                                  .retired = model->retired,
                                  .cross_allocator_calls.errors_reported = model->misuses,
                                  .cross_allocator_calls.intercepted_frees = 10 * model->misuses,
                                  .slots = slots,
                                  .threads = threads,
                                  .tags = tags};
    memcpy(reading.program, model->program, sizeof reading.program);
    for (size_t i = MODEL_TAGS; i-- > 0;) /* in any order */
        if (model->tags[i].tag != 0) {
            tags[reading.tag_count] = model->tags[i];
            for (uint32_t k = 2; k < MODEL_SLOTS; k++)
                if (has_owner(model, k) && model->slots[k].tag == model->tags[i].tag)
                    add(&tags[reading.tag_count].totals, &model->slots[k].totals);
            reading.tag_count++;
        }
    for (uint32_t i = 0; i < MODEL_SLOTS; i++) {
        if (!has_owner(model, i))
            continue;
        const struct tm_slot *slot = &model->slots[i];
        slots[reading.slot_count++] = *slot;
        size_t k = 0;
        while (k < reading.thread_count && (slot->thread == 0 || threads[k].thread != slot->thread))
            k++;
        if (k == reading.thread_count) {
            threads[k] = (struct tm_thread_reading){.thread = slot->thread, .tid = slot->tid, .state = slot->state};
            memcpy(threads[k].name, slot->name, sizeof slot->name);
            reading.thread_count++;
        }
        add(&threads[k].totals, &slot->totals);
    }
    return &reading;
}

void model_export(const struct model *model, struct tool_metrics *metrics)
{
    struct tool_view view = {.inode = model->inode, .reading = model_read(model), .resident_bytes = 4096};
    tool_metrics_add(metrics, &view);
}
