/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/export_collect.h"
#include "common/allocate.h"
#include "common/clock.h"
#include "common/find.h"
#include "common/messages.h"
#include "common/stop.h"
#include "common/system.h"
#include "common/target.h"
#include "common/text.h"
#include "export/export.h"
#include "export/metrics.h"
#include "export/metrics_text.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

static struct tool_moment now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (struct tool_moment){tool_clock(), (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec};
}

static void collect_one(struct tool_export *export, struct tm_reader *reader)
{
    const struct tm_reading *reading;
    char message[TM_READER_MESSAGE];
    struct stat file;
    struct tool_view view = {0};
    int error = tm_reader_read(reader, &reading, message);
    tool_need_memory(error);
    if (error) {
        tool_warn("%s", message);
        tool_metrics_add_unreadable(export->metrics);
    } else if (reading->live || stat(tm_reader_path(reader), &file) == 0) { /* or it has just ended */
        struct tool_memory memory;
        if (reading->visible && tool_process_memory(reading->pid, &memory))
            view.resident_bytes = memory.resident_bytes;
        dev_t device;
        ino_t inode;
        tm_reader_file(reader, &device, &inode);
        view.device = device;
        view.inode = inode;
        view.reading = reading;
        tool_metrics_add(export->metrics, &view);
    }
}

static void visit(struct tm_reader *reader, void *arg)
{
    struct tool_export *export = arg;
    collect_one(export, reader);
    tm_reader_close(reader);
}

char *tool_export_collect(struct tool_export *export, size_t *size)
{
    tool_metrics_begin(export->metrics, now());
    export->search.until_ns = tool_in(TOOL_ROUND);
    if (export->target_count == 0)
        tool_each_process(&export->search);
    for (int i = 0; i < export->target_count && !tool_is_stopped(); i++)
        collect_one(export, export->targets[i]);
    tool_metrics_skip(export->metrics, export->search.left_out);
    tool_metrics_end(export->metrics);

    struct tool_text text;
    char *bytes = NULL;
    if (tool_open_text(&text)) {
        tool_metrics_write(export->metrics, text.out);
        bytes = tool_close_text(&text);
        *size = text.size;
    }
    if (!bytes)
        tool_warn("out of memory");
    return bytes;
}

/* Opens the targets once, since a pid may be used again later. False, with a message, if one does not exist. */
static bool open_targets(struct tool_export *export, char **names, int count)
{
    export->targets = tool_allocate((size_t)count, sizeof *export->targets);
    for (; export->target_count < count; export->target_count++) {
        struct tm_reader *reader = tool_open(names[export->target_count], export->search.all_users);
        if (!reader)
            return false;
        export->targets[export->target_count] = reader;
    }
    return true;
}

bool tool_export_open(struct tool_export *export, size_t threads, size_t tags, char **targets, int count)
{
    export->search.visit = visit;
    export->search.arg = export;
    export->metrics = tool_metrics_new(threads, tags, export->search.all_users, now());
    return open_targets(export, targets, count);
}

void tool_export_close(struct tool_export *export)
{
    for (int i = 0; i < export->target_count; i++)
        tm_reader_close(export->targets[i]);
    free(export->targets);
    tool_metrics_free(export->metrics);
}
