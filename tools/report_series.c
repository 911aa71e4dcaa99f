/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Live bytes and rates over time, for the charts. Of a long recording not every reading is a point: each point is one
 * reading of several, the one with the most live bytes, whole, so that what is stacked is what was there at one moment.
 * Knows nothing of how it is drawn.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

enum { POINTS = 2000, SERIES = 12 };

/* Readings that become points, by number: the first and the last, and of each bucket the highest. */
static size_t choose(const struct summary *summary, size_t points[POINTS])
{
    size_t count = summary->reading_count, buckets = count < POINTS ? count : POINTS;
    for (size_t i = 0; i < buckets; i++) {
        size_t from = i * count / buckets, to = (i + 1) * count / buckets;
        points[i] = from;
        for (size_t k = from + 1; k < to; k++)
            if (summary->moments[k].live > summary->moments[points[i]].live)
                points[i] = k;
    }
    points[0] = summary->moments[points[0]].live == summary->peak.live ? points[0] : 0;
    if (summary->moments[points[buckets - 1]].live != summary->peak.live)
        points[buckets - 1] = count - 1;
    return buckets;
}

struct series {
    const struct account *account; /* NULL: all others */
    uint64_t live, allocated;      /* at the point that is being made */
    uint64_t before;               /* allocated at the point before */
    json_t *live_points, *rate_points;
};

struct chart {
    struct series series[SERIES + 1];
    size_t count;
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
        series->live_points = json_array();
        series->rate_points = json_array();
        series->before = series->account ? series->account->allocated_before : 0;
    }
}

static void put(struct chart *chart, const struct account *account, const struct tm_totals *totals)
{
    for (size_t i = 0; i < chart->count; i++)
        if (chart->series[i].account == account) {
            chart->series[i].live = tm_live_bytes(totals);
            chart->series[i].allocated = totals->allocated_bytes;
        }
}

static uint64_t less(uint64_t whole, uint64_t part)
{
    return whole > part ? whole - part : 0;
}

static uint64_t per_second(uint64_t bytes, uint64_t ns)
{
    return ns == 0 ? 0 : (uint64_t)((double)bytes * 1e9 / (double)ns + 0.5);
}

/* What of the process is in none of the series is the others'. */
static void end_point(struct chart *chart, uint64_t live, uint64_t allocated, uint64_t ns)
{
    for (size_t i = 0; i < chart->count; i++) {
        struct series *series = &chart->series[i];
        uint64_t more = less(series->allocated, series->before);
        live = less(live, series->live);
        allocated = less(allocated, more);
        json_array_append_new(series->live_points, json_integer((json_int_t)series->live));
        json_array_append_new(series->rate_points, json_integer((json_int_t)per_second(more, ns)));
        if (series->allocated > series->before)
            series->before = series->allocated;
        series->live = series->allocated = 0; /* until the next point says otherwise */
    }
    json_array_append_new(chart->series[chart->count].live_points, json_integer((json_int_t)live));
    json_array_append_new(chart->series[chart->count].rate_points, json_integer((json_int_t)per_second(allocated, ns)));
}

/* A chart has no room for the state of the shared ones. */
static const char *name_in_chart(const struct account *account)
{
    bool shared = account->thread == 0 && account->tag == 0;
    return !shared ? account_name(account) : account->state == TM_LATE ? "(late)" : "(overflow)";
}

static json_t *chart_to_json(struct chart *chart, const char *others)
{
    json_t *array = json_array();
    for (size_t i = 0; i <= chart->count; i++) {
        const struct account *account = chart->series[i].account;
        json_t *object = json_object();
        json_object_set_new(object, "name", tool_json_name(account ? name_in_chart(account) : others));
        if (account && account->tid)
            json_object_set_new(object, "tid", json_integer(account->tid));
        json_object_set_new(object, "live", chart->series[i].live_points);
        json_object_set_new(object, "rate", chart->series[i].rate_points);
        json_array_append_new(array, object);
    }
    return array;
}

json_t *report_series_to_json(const struct summary *summary, struct recording *recording)
{
    static size_t points[POINTS];
    size_t point_count = choose(summary, points), point = 0, index = 0;
    struct chart threads, tags;
    json_t *elapsed = json_array(), *resident = json_array(), *object = json_object();
    uint64_t before_ns = 0, before_allocated = summary->first.allocated_bytes;
    begin(&threads, &summary->threads);
    begin(&tags, &summary->tags);
    recording_rewind(recording);
    for (const struct recording_frame *frame; point < point_count && (frame = recording_next(recording)); index++) {
        const struct tm_reading *reading = &frame->reading;
        if (index != points[point])
            continue;
        for (size_t i = 0; i < reading->thread_count; i++) {
            const struct tm_thread_reading *thread = &reading->threads[i];
            put(&threads, account_of_thread(&summary->threads, thread->thread, thread->state), &thread->totals);
        }
        for (size_t i = 0; i < reading->tag_count; i++)
            put(&tags, account_of_tag(&summary->tags, reading->tags[i].tag), &reading->tags[i].totals);
        uint64_t live = tm_live_bytes(&reading->process);
        uint64_t more = less(reading->process.allocated_bytes, before_allocated);
        end_point(&threads, live, more, frame->elapsed_ns - before_ns);
        end_point(&tags, live, more, frame->elapsed_ns - before_ns);
        json_array_append_new(elapsed, json_integer((json_int_t)frame->elapsed_ns));
        json_array_append_new(resident, frame->memory.resident_bytes
                                            ? json_integer((json_int_t)frame->memory.resident_bytes)
                                            : json_null());
        before_ns = frame->elapsed_ns;
        before_allocated = reading->process.allocated_bytes;
        point++;
    }
    json_object_set_new(object, "elapsed_ns", elapsed);
    json_object_set_new(object, "resident", resident);
    json_object_set_new(object, "threads", chart_to_json(&threads, "all others"));
    json_object_set_new(object, "tags", chart_to_json(&tags, "no tag, and all others"));
    return object;
}
