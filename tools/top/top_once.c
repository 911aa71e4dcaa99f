/* SPDX-License-Identifier: BSD-3-Clause */
/* top --once: prints one reading as text or JSON, for scripts, and for output that is no terminal. */
#include "top/top_once.h"
#include "common/allocate.h"
#include "common/clock.h"
#include "common/find.h"
#include "common/json_writer.h"
#include "common/messages.h"
#include "common/printable.h"
#include "common/reading_json.h"
#include "common/reading_table.h"
#include "common/rest.h"
#include "common/target.h"
#include "common/text.h"
#include "common/totals.h"
#include "top/top_columns.h"
#include "top/top_model.h"
#include "top/top_processes.h"
#include "top/top_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct order {
    enum top_key key;
    const char *filter;
};

static int compare_threads(const void *a, const void *b, void *arg)
{
    const struct tm_thread_reading *one = a, *other = b;
    const struct order *order = arg;
    if ((one->thread == 0) != (other->thread == 0)) /* shared slots come last */
        return one->thread == 0 ? 1 : -1;
    int result = order->key == TOP_BY_NAME ? strcasecmp(one->name, other->name)
                                           : tool_top_compare(&one->totals, &other->totals, order->key);
    return result ? result : one->thread < other->thread ? -1 : one->thread > other->thread;
}

/*
 * Puts in place of a reading's threads those that match the filter, sorted. Returns them, for the caller to free.
 * `left_out` gets the total of the others.
 */
static struct tm_thread_reading *arrange(struct tm_reading *reading, const struct order *order,
                                         struct tm_totals *left_out)
{
    struct tm_thread_reading *threads = tool_allocate(reading->thread_count, sizeof *threads);
    size_t count = 0;
    *left_out = (struct tm_totals){0};
    for (size_t i = 0; i < reading->thread_count; i++) {
        char name[32];
        const struct tm_thread_reading *thread = &reading->threads[i];
        if (tool_top_passes(tool_printable(name, sizeof name, thread->name), order->filter)) {
            threads[count++] = *thread;
        } else {
            tool_totals_add(left_out, thread->totals);
            tool_add_saturating(&left_out->peak_bytes, thread->totals.peak_bytes);
        }
    }
    qsort_r(threads, count, sizeof *threads, compare_threads, (void *)order);
    reading->threads = threads;
    reading->thread_count = count;
    return threads;
}

static int print_process(struct tm_reader *reader, bool json, const struct order *order)
{
    const struct tm_reading *reading;
    char message[TM_READER_MESSAGE];
    if (tm_reader_read(reader, &reading, message) != 0)
        return tool_fail("%s", message);
    struct tm_reading arranged = *reading;
    struct tm_totals left_out;
    struct tm_thread_reading *threads = arrange(&arranged, order, &left_out);
    if (json)
        tool_json_reading(&(struct tool_json){.out = stdout}, &arranged);
    else
        tool_print_reading(stdout, &arranged, tm__did_nothing(&left_out) ? NULL : &left_out);
    struct tool_memory memory;
    if (!json && reading->visible && tool_process_memory(reading->pid, &memory))
        tool_print_rest(stdout, &reading->process, &memory);
    free(threads);
    return TOOL_OK;
}

struct all {
    struct top_processes processes;
    bool json;
    char **texts; /* the JSON of each process, by the rows' place: printed at the end, when they are sorted */
};

/*
 * Formatted as an element of an array, at depth 1. Its place in the array is not known before all processes are read.
 */
static char *format_reading(const struct tm_reading *reading)
{
    struct tool_text text;
    tool_need_memory(tool_open_text(&text) ? 0 : -ENOMEM);
    tool_json_reading(&(struct tool_json){.out = text.out, .depth = 1, .is_empty = true}, reading);
    char *bytes = tool_close_text(&text);
    tool_need_memory(bytes ? 0 : -ENOMEM);
    return bytes;
}

static void visit(struct tm_reader *reader, void *arg)
{
    struct all *all = arg;
    const struct tm_reading *reading;
    char message[TM_READER_MESSAGE];
    int error = tm_reader_read(reader, &reading, message);
    tool_need_memory(error);
    if (error) {
        tool_warn("%s", message);
    } else {
        tool_top_add_process(&all->processes, reading, tm_reader_path(reader));
        if (all->json) {
            all->texts = tool_resize(all->texts, all->processes.count, sizeof *all->texts);
            all->texts[all->processes.count - 1] = format_reading(reading);
        }
    }
    tm_reader_close(reader);
}

static int print_list_as_json(const struct all *all)
{
    struct tool_json json = {.out = stdout};
    tool_json_open(&json, NULL, '[');
    for (size_t i = 0; i < all->processes.list.shown_count; i++)
        tool_json_insert(&json, all->texts[all->processes.list.rows[all->processes.list.shown[i]].place]);
    tool_json_close(&json, ']');
    return TOOL_OK;
}

static int print_list(const struct all *all)
{
    const enum top_field fields[] = {TOP_UID_FIELD,
                                     TOP_NAME_FIELD,
                                     TOP_PID_FIELD,
                                     TOP_THREADS_FIELD,
                                     tool_top_figure_field("live_bytes"),
                                     tool_top_figure_field("live_blocks"),
                                     tool_top_figure_field("peak_bytes"),
                                     tool_top_figure_field("remote_percent"),
                                     TOP_RESIDENT_FIELD};
    static const int widths[] = {10, 15, 7, 7, 8, 8, 8, 6, 8};
    char text[TOP_CELL];
    printf("%s%-15s %7s %7s %8s %8s %8s %6s %8s  STATE\n", all->processes.all_users ? "       UID " : "", "PROGRAM",
           "PID", "THREADS", "LIVE", "BLOCKS", "PEAK <=", "OTHERS", "RESIDENT");
    for (size_t i = 0; i < all->processes.list.shown_count; i++) {
        const struct top_row *row = &all->processes.list.rows[all->processes.list.shown[i]];
        for (size_t k = all->processes.all_users ? 0 : 1; k < sizeof fields / sizeof fields[0]; k++) {
            struct top_column column = {.field = fields[k], .width = widths[k]};
            printf("%s ", tool_top_text(text, NULL, &column, row, NULL, NULL));
        }
        printf(" %s\n", row->state);
    }
    return TOOL_OK;
}

static int print_all(bool all_users, bool json, const struct order *order)
{
    struct all all = {.processes.all_users = all_users, .json = json};
    int result;
    char message[TM_READER_MESSAGE];
    struct tm_reader *reader;
    all.processes.list.key = order->key;
    snprintf(all.processes.list.filter, sizeof all.processes.list.filter, "%s", order->filter);
    tool_top_begin_processes(&all.processes, 0);
    struct tool_search search = {
        .all_users = all_users, .until_ns = tool_in(TOOL_PATIENCE), .visit = visit, .arg = &all};
    tool_each_process(&search);
    tool_top_end(&all.processes.list);
    if (json) {
        result = print_list_as_json(&all);
    } else if (all.processes.list.count == 0) {
        result =
            tool_fail("no process publishes its totals; start one by 'threadmeter run', or with THREADMETER_PUBLISH");
    } else if (all.processes.list.count > 1) {
        result = print_list(&all);
    } else if (tool_top_open(&all.processes, all.processes.list.rows, &reader, message) == 0) {
        result = print_process(reader, false, order);
        tm_reader_close(reader);
    } else {
        result = tool_fail("%s", message);
    }
    for (size_t i = 0; json && i < all.processes.count; i++)
        free(all.texts[i]);
    free(all.texts);
    tool_top_free_processes(&all.processes);
    return result;
}

int tool_top_once(const char *target, bool all_users, bool json, enum top_key key, const char *filter)
{
    struct order order = {key, filter};
    int result = TOOL_FAILED;
    struct tm_reader *reader = target ? tool_open(target, all_users) : NULL;
    if (!target)
        result = print_all(all_users, json, &order);
    else if (reader)
        result = print_process(reader, json, &order);
    tm_reader_close(reader);
    if (fflush(stdout) != 0 || ferror(stdout))
        result = tool_fail("cannot write: %s", strerror(errno));
    return result;
}
