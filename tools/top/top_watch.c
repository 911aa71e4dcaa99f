/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes lists of rows from readings. This file does not know how they are shown. */
#include "top/top_watch.h"
#include "common/allocate.h"
#include "common/exited.h"
#include "common/printable.h"
#include "common/states.h"
#include "common/system.h"
#include "common/totals.h"
#include "top/top_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tool_top_watch(struct top_watch *watch, struct tm_reader *reader)
{
    tm_reader_close(watch->reader);
    tool_top_free(&watch->threads);
    tool_top_free(&watch->tags);
    free(watch->cells);
    struct top_list threads = watch->threads, tags = watch->tags;
    *watch = (struct top_watch){.reader = reader, .threads = threads, .tags = tags};
    watch->threads.all_seen = watch->tags.all_seen = true;
}

static int compare_cells(const void *a, const void *b)
{
    const struct top_cell *one = a, *other = b;
    if (one->thread != other->thread)
        return one->thread < other->thread ? -1 : 1;
    return one->tag < other->tag ? -1 : one->tag > other->tag;
}

/* Shared slots are left out: they belong to no tag and to no thread. */
static void fill_cells(struct top_watch *watch, const struct tm_reading *reading)
{
    watch->cells = tool_resize(watch->cells, reading->slot_count, sizeof *watch->cells);
    watch->cell_count = 0;
    for (size_t i = 0; i < reading->slot_count; i++)
        if (reading->slots[i].thread)
            watch->cells[watch->cell_count++] = (struct top_cell){reading->slots[i].thread, reading->slots[i].tag,
                                                                  tm_live_bytes(&reading->slots[i].totals)};
    if (watch->cell_count)
        qsort(watch->cells, watch->cell_count, sizeof *watch->cells, compare_cells);
}

uint64_t tool_top_cell(const struct top_watch *watch, uint64_t thread, int32_t tag)
{
    struct top_cell wanted = {.thread = thread, .tag = tag};
    const struct top_cell *cell =
        watch->cell_count ? bsearch(&wanted, watch->cells, watch->cell_count, sizeof wanted, compare_cells) : NULL;
    return cell ? cell->live_bytes : 0;
}

/* The `birth` of rows for what is retired; shared slots have their state there, so it must be no state. */
enum { RETIRED = 255 };

static void put_exited(struct top_watch *watch, uint64_t id, const char *name, const struct tm_totals *totals,
                       bool peak_is_bound)
{
    char label[TOP_NAME];
    struct top_row *row = tool_top_put(&watch->threads, id, RETIRED, totals);
    row->group = TOP_REST;
    row->peak_is_bound = peak_is_bound;
    row->rate = TOP_UNKNOWN; /* bytes are added to it when a thread exits, not when they are allocated */
    snprintf(label, sizeof label, "(exited)%s%s", *name ? " " : "", name);
    tool_printable(row->name, sizeof row->name, label);
}

/* Names of 16 bytes are told apart by 64 bits: two with the same would be two rows of one history. */
static uint64_t id_of_name(const char *name)
{
    uint64_t id = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *name; name++)
        id = (id ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return id;
}

/* A row for each name; or one for all, with a bound as its peak, if no name is known. */
static void fill_exited(struct top_watch *watch, const struct tm_reading *reading)
{
    size_t count;
    struct tool_exited *exited = tool_exited_by_name(reading->retired_rows, reading->retired_row_count, &count);
    if (count == 0 || (count == 1 && strcmp(exited[0].name, "(unknown)") == 0)) {
        if (!tm__did_nothing(&reading->retired))
            put_exited(watch, 0, "", &reading->retired, true);
        count = 0;
    }
    for (size_t i = 0; i < count; i++)
        if (!tm__did_nothing(&exited[i].totals))
            put_exited(watch, id_of_name(exited[i].name), exited[i].name, &exited[i].totals, false);
    free(exited);
}

static void fill_threads(struct top_watch *watch, const struct tm_reading *reading, uint64_t time_ns)
{
    tool_top_begin(&watch->threads, time_ns);
    watch->thread_count = watch->orphan_count = 0;
    watch->orphan_bytes = 0;
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *thread = &reading->threads[i];
        bool shared = thread->thread == 0;
        if (shared && tm__did_nothing(&thread->totals))
            continue;
        struct top_row *row =
            tool_top_put(&watch->threads, thread->thread, shared ? (uint64_t)thread->state : 0, &thread->totals);
        row->number = thread->tid;
        row->group = shared ? TOP_REST : thread->state == TM_LIVE ? TOP_CURRENT : TOP_LEFT;
        tool_printable(row->name, sizeof row->name, shared ? tool_shared_name(thread->state) : thread->name);
        if (row->group == TOP_CURRENT) {
            watch->thread_count++;
        } else if (row->group == TOP_LEFT) {
            watch->orphan_count++;
            tool_add_saturating(&watch->orphan_bytes, tm_live_bytes(&thread->totals));
        }
    }
    fill_exited(watch, reading);
    tool_top_end(&watch->threads);
}

static void fill_tags(struct top_watch *watch, const struct tm_reading *reading, uint64_t time_ns)
{
    tool_top_begin(&watch->tags, time_ns);
    for (size_t i = 0; i < reading->tag_count; i++) {
        const struct tm_tag_reading *tag = &reading->tags[i];
        struct top_row *row = tool_top_put(&watch->tags, (uint64_t)tag->tag, 0, &tag->totals);
        char name[TOP_NAME];
        tool_printable(name, sizeof name, tag->name);
        if (strcmp(name, row->name) != 0) /* another tag has the number of a tag that was removed */
            row->readings = 0, tool_top_follow(row, &tag->totals, 0);
        memcpy(row->name, name, sizeof name);
        row->group = tag->open ? TOP_CURRENT : TOP_LEFT;
        row->peak_is_bound = true;
        row->limit_bytes = tag->limit_bytes;
    }
    tool_top_end(&watch->tags);
}

void tool_top_fill(struct top_watch *watch, const struct tm_reading *reading, uint64_t time_ns)
{
    fill_threads(watch, reading, time_ns);
    fill_tags(watch, reading, time_ns);
    fill_cells(watch, reading);
    tool_top_follow(&watch->total, &reading->process, watch->threads.elapsed);
    tool_printable(watch->program, sizeof watch->program, reading->program);
    watch->pid = reading->pid;
    watch->live = reading->live;
    watch->unknown = reading->unknown;
    watch->state = tool_state(reading);
    watch->cross_allocator_calls = reading->cross_allocator_calls;
    watch->running_ns = reading->time_ns > reading->started_ns ? reading->time_ns - reading->started_ns : 0;
    watch->resident_bytes = TOP_UNKNOWN;
    struct tool_memory memory;
    if (reading->visible && tool_process_memory(reading->pid, &memory))
        watch->resident_bytes = memory.resident_bytes;
    watch->read = true;
}

bool tool_top_read(struct top_watch *watch, uint64_t time_ns, char message[TM_READER_MESSAGE])
{
    const struct tm_reading *reading;
    if (watch->read && !watch->live && !watch->unknown) /* it has ended, so its state is final */
        return true;
    if (tm_reader_read(watch->reader, &reading, message) != 0)
        return false;
    tool_top_fill(watch, reading, time_ns);
    return true;
}
