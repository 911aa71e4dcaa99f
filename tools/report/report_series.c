/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Live bytes and rates over time, for the charts. In a long recording not every reading becomes a point. Each point is
 * one of several readings, the one with the most live bytes. All its values are used, so the stacked values are of one
 * moment. The first and the last are always points. This file does not know how they are drawn.
 */
#include "report/report_series.h"
#include "common/allocate.h"
#include "common/json_writer.h"
#include "common/states.h"
#include "recording/recording.h"
#include "recording/recording_read.h"
#include "report/summary.h"

#include <stdlib.h>
#include <string.h>

enum { POINTS = MOMENTS + 2, SERIES = 12 };

/* The numbers of the readings that become points. */
static size_t choose(const struct summary *summary, size_t points[POINTS])
{
    const struct moments *moments = &summary->moments;
    const size_t last = summary->reading_count - 1;
    size_t count = 0;
    points[count++] = 0;
    for (size_t i = 0; i < moments->count; i++)
        if (moments->list[i].reading > 0 && moments->list[i].reading < last)
            points[count++] = moments->list[i].reading;
    if (last > 0)
        points[count++] = last;
    return count;
}

struct series {
    const struct account *account; /* NULL: all others */
    uint64_t before;               /* allocated at the point before */
    uint64_t *live_points, *rate_points;
};

struct chart {
    struct series series[SERIES + 1];
    size_t count, points;
};

static int by_highest(const void *a, const void *b)
{
    const struct account *one = *(const struct account *const *)a, *other = *(const struct account *const *)b;
    if (one->highest != other->highest)
        return one->highest > other->highest ? -1 : 1;
    return (one->key > other->key) - (one->key < other->key);
}

static void begin(struct chart *chart, const struct accounts *accounts)
{
    const struct account **order = accounts_by_peak(accounts);
    qsort(order, accounts->count, sizeof *order, by_highest);
    *chart = (struct chart){.count = 0};
    for (size_t i = 0; i < accounts->count && i < SERIES && order[i]->highest > 0; i++)
        chart->series[chart->count++].account = order[i];
    free(order);
    for (size_t i = 0; i <= chart->count; i++) { /* the others, too */
        struct series *series = &chart->series[i];
        series->live_points = tool_allocate(POINTS, sizeof *series->live_points);
        series->rate_points = tool_allocate(POINTS, sizeof *series->rate_points);
        series->before = series->account ? series->account->allocated_before : 0;
    }
}

/* A reading's rows are sorted by their numbers; the shared slots, which have none, by their states. */
static int compare_threads(const void *key, const void *row)
{
    const struct account *account = key;
    const struct tm_thread_reading *thread = row;
    if (account->thread != thread->thread)
        return account->thread < thread->thread ? -1 : 1;
    return account->thread != 0 ? 0 : (account->state > thread->state) - (account->state < thread->state);
}

static int compare_tags(const void *key, const void *row)
{
    const struct account *account = key;
    const struct tm_tag_reading *tag = row;
    return (account->tag > tag->tag) - (account->tag < tag->tag);
}

/* NULL: it is not in this reading. */
static const struct tm_totals *find_totals(const struct account *account, const struct tm_reading *reading)
{
    if (account->tag != 0) {
        const struct tm_tag_reading *tag =
            bsearch(account, reading->tags, reading->tag_count, sizeof *reading->tags, compare_tags);
        return tag ? &tag->totals : NULL;
    }
    const struct tm_thread_reading *thread =
        bsearch(account, reading->threads, reading->thread_count, sizeof *reading->threads, compare_threads);
    return thread ? &thread->totals : NULL;
}

static uint64_t less(uint64_t whole, uint64_t part)
{
    return whole > part ? whole - part : 0;
}

static uint64_t per_second(uint64_t bytes, uint64_t ns)
{
    return ns == 0 ? 0 : (uint64_t)((double)bytes * 1e9 / (double)ns + 0.5);
}

/* The part of the process's total that is in no series belongs to the series of the others. */
static void add_point(struct chart *chart, const struct tm_reading *reading, uint64_t allocated, uint64_t ns)
{
    uint64_t live = tm_live_bytes(&reading->process);
    for (size_t i = 0; i < chart->count; i++) {
        struct series *series = &chart->series[i];
        const struct tm_totals *totals = find_totals(series->account, reading);
        uint64_t mine = totals ? tm_live_bytes(totals) : 0;
        uint64_t more = totals ? less(totals->allocated_bytes, series->before) : 0;
        live = less(live, mine);
        allocated = less(allocated, more);
        series->before += more;
        series->live_points[chart->points] = mine;
        series->rate_points[chart->points] = per_second(more, ns);
    }
    chart->series[chart->count].live_points[chart->points] = live;
    chart->series[chart->count].rate_points[chart->points] = per_second(allocated, ns);
    chart->points++;
}

static const char *name_in_chart(const struct account *account)
{
    bool shared = account->thread == 0 && account->tag == 0;
    return shared ? tool_shared_name(account->state) : account_name(account);
}

static void put_points(struct tool_json *json, const char *name, uint64_t *points, size_t count)
{
    tool_json_open(json, name, '[');
    for (size_t i = 0; i < count; i++)
        tool_json_number(json, NULL, points[i]);
    tool_json_close(json, ']');
    free(points);
}

static void put_chart(struct tool_json *json, const char *name, struct chart *chart, const char *others)
{
    tool_json_open(json, name, '[');
    for (size_t i = 0; i <= chart->count; i++) {
        const struct account *account = chart->series[i].account;
        tool_json_open(json, NULL, '{');
        tool_json_text(json, "name", account ? name_in_chart(account) : others);
        if (account && account->tid)
            tool_json_integer(json, "tid", account->tid);
        put_points(json, "live", chart->series[i].live_points, chart->points);
        put_points(json, "rate", chart->series[i].rate_points, chart->points);
        tool_json_close(json, '}');
    }
    tool_json_close(json, ']');
}

void report_put_series(struct tool_json *json, const struct summary *summary, struct recording *recording)
{
    static size_t points[POINTS];
    static uint64_t elapsed[POINTS], resident[POINTS];
    size_t point_count = choose(summary, points), point = 0, index = 0;
    struct chart threads, tags;
    uint64_t before_ns = 0, before_allocated = summary->first.allocated_bytes;
    begin(&threads, &summary->threads);
    begin(&tags, &summary->tags);
    recording_rewind(recording);
    for (const struct recording_frame *frame; point < point_count && (frame = recording_next(recording)); index++) {
        const struct tm_reading *reading = &frame->reading;
        if (index != points[point])
            continue;
        uint64_t more = less(reading->process.allocated_bytes, before_allocated);
        add_point(&threads, reading, more, frame->elapsed_ns - before_ns);
        add_point(&tags, reading, more, frame->elapsed_ns - before_ns);
        elapsed[point] = frame->elapsed_ns;
        resident[point] = frame->memory.resident_bytes;
        before_ns = frame->elapsed_ns;
        before_allocated = reading->process.allocated_bytes;
        point++;
    }
    tool_json_open(json, "series", '{');
    tool_json_open(json, "elapsed_ns", '[');
    for (size_t i = 0; i < point; i++)
        tool_json_number(json, NULL, elapsed[i]);
    tool_json_close(json, ']');
    tool_json_open(json, "resident", '[');
    for (size_t i = 0; i < point; i++)
        tool_json_number_or_null(json, NULL, resident[i]);
    tool_json_close(json, ']');
    put_chart(json, "threads", &threads, "all others");
    put_chart(json, "tags", &tags, "no tag, and all others");
    tool_json_close(json, '}');
}
