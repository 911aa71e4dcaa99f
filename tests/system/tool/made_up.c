/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/counters.h"
#include "made_up.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const thread_names[] = {"worker",   "</script><b>",    "net\xff\x01io",
                                           "\"&'<!--", "a-name-of-15-ch", ""};
static const char *const tag_names[] = {"", "upload", "search", "</script>", "a tag whose name is rather long"};

static uint64_t draw(struct made_up *process, uint64_t below)
{
    process->random ^= process->random << 13;
    process->random ^= process->random >> 7;
    process->random ^= process->random << 17;
    return process->random % below;
}

void made_up_begin(struct made_up *process, uint64_t seed)
{
    memset(process, 0, sizeof *process);
    process->random = seed * 2654435761 + 1;
}

struct recording_info made_up_info(const struct made_up *process)
{
    (void)process;
    return (struct recording_info){.pid = 4242,
                                   .parent = 4000,
                                   .started_ns = UINT64_C(1795000000000000000),
                                   .recorded_ns = UINT64_C(1795000001000000000),
                                   .every_ns = 100000000,
                                   .program = "made-<up>"};
}

static void add(struct tm_totals *sum, const struct tm_totals *totals)
{
    add_counters(sum, totals);
    sum->peak_bytes += totals->peak_bytes;
}

static uint64_t live_of(const struct made_up_thread *thread)
{
    uint64_t live = 0;
    for (int tag = 0; tag < MADE_UP_TAGS; tag++)
        live += tm_live_bytes(&thread->slots[tag].totals);
    return live;
}

static void retire(struct made_up *process, struct made_up_thread *thread)
{
    for (int tag = 0; tag < MADE_UP_TAGS; tag++) {
        add(&process->retired, &thread->slots[tag].totals);
        add(&process->gone_of_tag[tag], &thread->slots[tag].totals);
        thread->slots[tag] = (struct made_up_slot){.generation = thread->slots[tag].generation};
    }
    thread->thread = 0;
    memset(thread->freed_of, 0, sizeof thread->freed_of);
    for (int i = 0; i < MADE_UP_THREADS; i++)
        process->threads[i].freed_of[thread - process->threads] = 0;
}

static void allocate(struct made_up *process, struct made_up_thread *thread)
{
    struct made_up_slot *slot = &thread->slots[draw(process, MADE_UP_TAGS)];
    uint64_t bytes = 1 + draw(process, UINT64_C(1) << draw(process, 24));
    slot->generation += !slot->used;
    slot->used = true;
    slot->totals.allocated_bytes += bytes;
    slot->totals.allocated_blocks++;
    if (tm_live_bytes(&slot->totals) > slot->totals.peak_bytes)
        slot->totals.peak_bytes = tm_live_bytes(&slot->totals);
    if (live_of(thread) > thread->peak)
        thread->peak = live_of(thread);
}

static void release(struct made_up *process, struct made_up_thread *thread)
{
    struct made_up_slot *slot = &thread->slots[draw(process, MADE_UP_TAGS)];
    struct made_up_thread *freer = &process->threads[draw(process, MADE_UP_THREADS)];
    if (tm_live_blocks(&slot->totals) == 0)
        return;
    bool last = tm_live_blocks(&slot->totals) == 1;
    uint64_t live = tm_live_bytes(&slot->totals), bytes = last ? live : draw(process, live);
    slot->totals.freed_bytes += bytes;
    slot->totals.freed_blocks++;
    if (freer == thread || freer->thread == 0 || freer->state != TM_LIVE || !freer->slots[0].used)
        return;
    slot->totals.remote_frees_received_bytes += bytes;
    slot->totals.remote_frees_received_blocks++;
    freer->slots[0].totals.remote_frees_made_bytes += bytes;
    freer->freed_of[thread - process->threads] += bytes;
}

static void happen(struct made_up *process)
{
    struct made_up_thread *thread = &process->threads[draw(process, MADE_UP_THREADS)];
    uint64_t what = draw(process, 100);
    if (thread->thread == 0) {
        if (what > 20)
            return;
        thread->thread = ++process->threads_ever;
        thread->state = TM_LIVE;
        thread->peak = 0;
        snprintf(thread->name, sizeof thread->name, "%s", thread_names[draw(process, 6)]);
    } else if (thread->state == TM_ORPHAN) {
        release(process, thread);
        if (live_of(thread) == 0)
            retire(process, thread);
    } else if (what < 1) {
        thread->state = TM_ORPHAN;
    } else if (what < 2) {
        snprintf(thread->name, sizeof thread->name, "renamed-%d", (int)process->steps);
    } else if (what < 52) {
        allocate(process, thread);
    } else {
        release(process, thread);
    }
}

static int by_live_threads(const void *a, const void *b)
{
    const struct tm_thread_reading *one = a, *other = b;
    uint64_t mine = tm_live_bytes(&one->totals), its = tm_live_bytes(&other->totals);
    return mine != its ? (mine > its ? -1 : 1) : one->thread < other->thread ? -1 : 1;
}

static int by_live_tags(const void *a, const void *b)
{
    const struct tm_tag_reading *one = a, *other = b;
    uint64_t mine = tm_live_bytes(&one->totals), its = tm_live_bytes(&other->totals);
    return mine != its ? (mine > its ? -1 : 1) : one->tag < other->tag ? -1 : 1;
}

static int by_bytes(const void *a, const void *b)
{
    const struct tm_flow *one = a, *other = b;
    if (one->bytes != other->bytes)
        return one->bytes > other->bytes ? -1 : 1;
    if (one->owner != other->owner)
        return one->owner < other->owner ? -1 : 1;
    return one->freer < other->freer ? -1 : 1;
}

/* A live thread of the crowd. */
static struct tm_totals of_crowd(uint64_t thread)
{
    uint64_t bytes = 1 + (thread * 2654435761 & 0xffff), freed = thread * 40503 % bytes;
    return (struct tm_totals){.allocated_bytes = bytes,
                              .allocated_blocks = 1 + thread % 9,
                              .freed_bytes = freed,
                              .freed_blocks = freed > 0 ? thread % 9 : 0,
                              .remote_frees_made_bytes = 0,
                              .peak_bytes = bytes - freed / 2};
}

/* Some have no name; the others have one of 300 names, and most have one of the first of these. */
static void name_of_crowd(char *name, size_t size, uint64_t thread)
{
    *name = '\0';
    if (thread % 16 != 0)
        snprintf(name, size, "crowd-%u", (unsigned)(thread % (1 + thread % 300)));
}

/* The live threads of the crowd exit, and as many new ones start. */
static void change_crowd(struct made_up *process)
{
    for (size_t i = 0; i < process->crowd && process->crowd_first > 0; i++) {
        struct tm_totals totals = of_crowd(process->crowd_first + i);
        totals.freed_bytes = totals.allocated_bytes;
        totals.freed_blocks = totals.allocated_blocks;
        add(&process->retired, &totals);
        add(&process->gone_of_tag[(process->crowd_first + i) % MADE_UP_TAGS], &totals);
    }
    if (process->crowd > 0)
        process->crowd_first = process->threads_ever + 1;
    process->threads_ever += process->crowd;
}

static void list_crowd(struct made_up *process, struct tm_reading *reading)
{
    for (size_t i = 0; i < process->crowd; i++) {
        uint64_t thread = process->crowd_first + i;
        int tag = (int)(thread % MADE_UP_TAGS);
        struct tm_slot *slot = &process->slots[reading->slot_count++];
        struct tm_thread_reading *row = &process->rows[reading->thread_count++];
        *slot = (struct tm_slot){.slot = (uint32_t)(2 + MADE_UP_THREADS * MADE_UP_TAGS + i),
                                 .generation = (uint32_t)process->steps,
                                 .thread = thread,
                                 .tag = tag,
                                 .tid = (pid_t)(4242 + thread),
                                 .totals = of_crowd(thread)};
        slot->thread_peak_bytes = slot->totals.peak_bytes;
        name_of_crowd(slot->name, sizeof slot->name, thread);
        *row = (struct tm_thread_reading){.thread = thread, .tid = slot->tid, .totals = slot->totals};
        memcpy(row->name, slot->name, sizeof row->name);
        if (tag > 0)
            add(&process->tags[tag - 1].totals, &slot->totals);
        add(&reading->process, &slot->totals);
    }
}

static void list_slots(struct made_up *process, struct tm_reading *reading)
{
    for (enum tm_slot_state state = TM_LATE; state <= TM_OVERFLOW; state++)
        process->slots[reading->slot_count++] = (struct tm_slot){.slot = state - TM_LATE, .state = state};
    for (int i = 0; i < MADE_UP_THREADS; i++)
        for (int tag = 0; tag < MADE_UP_TAGS; tag++) {
            const struct made_up_thread *thread = &process->threads[i];
            if (thread->thread == 0 || !thread->slots[tag].used)
                continue;
            struct tm_slot *slot = &process->slots[reading->slot_count++];
            *slot = (struct tm_slot){.slot = (uint32_t)(2 + i * MADE_UP_TAGS + tag),
                                     .generation = thread->slots[tag].generation,
                                     .thread = thread->thread,
                                     .tag = tag,
                                     .tid = (pid_t)(4242 + thread->thread),
                                     .state = thread->state,
                                     .thread_peak_bytes = thread->peak,
                                     .totals = thread->slots[tag].totals};
            memcpy(slot->name, thread->name, sizeof slot->name);
        }
}

static void list_threads_and_tags(struct made_up *process, struct tm_reading *reading)
{
    for (int tag = 1; tag < MADE_UP_TAGS; tag++) {
        struct tm_tag_reading *row = &process->tags[reading->tag_count++];
        *row = (struct tm_tag_reading){.tag = tag, .open = true, .totals = process->gone_of_tag[tag]};
        row->limit_bytes = tag == 2 ? 1 << 20 : tag == 3 ? UINT64_MAX : 0;
        snprintf(row->name, sizeof row->name, "%s", tag_names[tag]);
    }
    for (int i = 0; i < MADE_UP_THREADS; i++) {
        const struct made_up_thread *thread = &process->threads[i];
        if (thread->thread == 0)
            continue;
        struct tm_thread_reading *row = &process->rows[reading->thread_count++];
        *row = (struct tm_thread_reading){
            .thread = thread->thread, .tid = (pid_t)(4242 + thread->thread), .state = thread->state};
        memcpy(row->name, thread->name, sizeof row->name);
        for (int tag = 0; tag < MADE_UP_TAGS; tag++) {
            add(&row->totals, &thread->slots[tag].totals);
            if (tag > 0)
                add(&process->tags[tag - 1].totals, &thread->slots[tag].totals);
        }
        row->totals.peak_bytes = thread->peak;
        add(&reading->process, &row->totals);
    }
    list_crowd(process, reading);
    add(&reading->process, &process->retired);
    qsort(process->rows, reading->thread_count, sizeof *process->rows, by_live_threads);
    qsort(process->tags, reading->tag_count, sizeof *process->tags, by_live_tags);
    for (enum tm_slot_state state = TM_LATE; state <= TM_OVERFLOW; state++)
        process->rows[reading->thread_count++] = (struct tm_thread_reading){.state = state};
}

static void list_flows(struct made_up *process, struct tm_reading *reading)
{
    for (int i = 0; i < MADE_UP_THREADS; i++)
        for (int k = 0; k < MADE_UP_THREADS; k++) {
            const struct made_up_thread *freer = &process->threads[i], *owner = &process->threads[k];
            if (freer->thread == 0 || owner->thread == 0 || freer->freed_of[k] == 0)
                continue;
            struct tm_flow *flow = &process->flows[reading->flow_count++];
            *flow = (struct tm_flow){.owner = owner->thread,
                                     .freer = freer->thread,
                                     .owner_tid = (pid_t)(4242 + owner->thread),
                                     .freer_tid = (pid_t)(4242 + freer->thread),
                                     .bytes = freer->freed_of[k],
                                     .blocks = 1};
            memcpy(flow->owner_name, owner->name, sizeof flow->owner_name);
            memcpy(flow->freer_name, freer->name, sizeof flow->freer_name);
        }
    qsort(process->flows, reading->flow_count, sizeof *process->flows, by_bytes);
    if (process->steps > 20)
        process->flows[reading->flow_count++] =
            (struct tm_flow){.owner_name = "(others)", .freer_name = "(others)", .bytes = process->steps, .blocks = 1};
}

const struct recording_frame *made_up_step(struct made_up *process)
{
    struct recording_frame *frame = &process->frame;
    struct tm_reading *reading = &frame->reading;
    struct recording_info info = made_up_info(process);
    for (uint64_t i = draw(process, 60); i > 0; i--)
        happen(process);
    change_crowd(process);

    *frame = (struct recording_frame){.elapsed_ns = process->steps * info.every_ns + draw(process, 1000000)};
    if (process->steps == 0)
        frame->elapsed_ns = 0;
    process->steps++;
    *reading = (struct tm_reading){
        .time_ns = info.recorded_ns + frame->elapsed_ns,
        .started_ns = info.started_ns,
        .pid = info.pid,
        .parent = info.parent,
        .live = true,
        .flow_on = true,
        .retired = process->retired,
        .cross_allocator_calls = {.foreign_frees = process->steps / 7, .intercepted_frees = 3, .errors_reported = 2},
        .slots = process->slots,
        .threads = process->rows,
        .tags = process->tags,
        .flows = process->flows};
    memcpy(reading->program, info.program, sizeof reading->program);
    list_slots(process, reading);
    list_threads_and_tags(process, reading);
    list_flows(process, reading);
    frame->memory.resident_bytes = tm_live_bytes(&reading->process) + (30 << 20);
    frame->memory.peak_resident_bytes = UINT64_C(200) << 20;
    return frame;
}
