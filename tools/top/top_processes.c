/* SPDX-License-Identifier: BSD-3-Clause */
/* Fills the list of all processes from their readers. */
#include "top/top_processes.h"
#include "common/allocate.h"
#include "common/clock.h"
#include "common/find.h"
#include "common/messages.h"
#include "common/printable.h"
#include "common/states.h"
#include "common/system.h"
#include "top/top_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tool_top_add_process(struct top_processes *processes, const struct tm_reading *reading, const char *path)
{
    struct top_row *row =
        tool_top_put(&processes->list, (uint64_t)reading->pid, reading->started_ns, &reading->process);
    struct tool_memory memory;
    row->group = reading->live ? TOP_CURRENT : reading->unknown ? TOP_UNSEEN : TOP_LEFT;
    row->number = reading->pid;
    row->uid = reading->uid;
    row->peak_is_bound = true;
    row->threads = 0;
    for (size_t i = 0; i < reading->thread_count; i++)
        row->threads += reading->threads[i].state == TM_LIVE;
    row->resident_bytes = TOP_UNKNOWN;
    if (reading->visible && tool_process_memory(reading->pid, &memory))
        row->resident_bytes = memory.resident_bytes;
    tool_printable(row->name, sizeof row->name, reading->program);
    row->state = tool_state(reading);
    row->place = processes->count;
    processes->paths = tool_resize(processes->paths, processes->count + 1, sizeof *processes->paths);
    processes->paths[processes->count] = tool_allocate(strlen(path) + 1, 1);
    strcpy(processes->paths[processes->count++], path);
}

static void visit(struct tm_reader *reader, void *arg)
{
    const struct tm_reading *reading;
    char message[TM_READER_MESSAGE];
    int error = tm_reader_read(reader, &reading, message);
    tool_need_memory(error);
    if (error == 0)
        tool_top_add_process(arg, reading, tm_reader_path(reader));
    else
        tool_warn("%s", message);
    tm_reader_close(reader);
}

static void free_paths(struct top_processes *processes)
{
    for (size_t i = 0; i < processes->count; i++)
        free(processes->paths[i]);
    processes->count = 0;
}

void tool_top_begin_processes(struct top_processes *processes, uint64_t time_ns)
{
    free_paths(processes);
    tool_top_begin(&processes->list, time_ns);
}

void tool_top_read_processes(struct top_processes *processes, uint64_t time_ns)
{
    tool_top_begin_processes(processes, time_ns);
    struct tool_search search = {
        .all_users = processes->all_users, .until_ns = tool_in(TOOL_ROUND), .visit = visit, .arg = processes};
    tool_each_process(&search);
    tool_top_end(&processes->list);
}

const char *tool_top_path(const struct top_processes *processes, const struct top_row *row)
{
    return processes->paths[row->place];
}

int tool_top_open(const struct top_processes *processes, const struct top_row *row, struct tm_reader **reader,
                  char message[TM_READER_MESSAGE])
{
    const char *path = tool_top_path(processes, row);
    int error = tm_reader_open(path, reader, message);
    if (error || tm_reader_owner(*reader) == row->uid)
        return error;
    tm_reader_close(*reader);
    *reader = NULL;
    snprintf(message, TM_READER_MESSAGE, "%s now belongs to another user", path);
    return -EACCES;
}

void tool_top_free_processes(struct top_processes *processes)
{
    free_paths(processes);
    free(processes->paths);
    tool_top_free(&processes->list);
    processes->paths = NULL;
}
