/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All columns of figures, for everything that shows them: tm_report(), and the tool's dump, report, report's page, and
 * top. If a column has no width or no title for an output, that output leaves it out on purpose. Figures in JSON,
 * recordings and metrics are counters, which TM_COUNTERS lists.
 */
#ifndef TM_COLUMNS_H
#define TM_COLUMNS_H

#include "threadmeter/totals.h"

#include <stdbool.h>
#include <stddef.h>

/* The figures of a row; 0 if one does not apply to the row. */
struct tm__figures {
    struct tm_totals totals;
    uint64_t live_bytes, live_blocks;
    /* Percentage of what was freed that other threads freed; TM__NO_FIGURE: nothing was freed. */
    uint64_t remote_percent;
    uint64_t limit_bytes;
    /* For rows that are followed over time. */
    uint64_t at_peak_bytes; /* live when the process had its peak */
    uint64_t allocated_bytes_per_second;
};

#define TM__NO_FIGURE UINT64_MAX

/*
 * Rounded. `whole` is not 0. By integers, as all that the library prints: see text.c. In a damaged recording a part may
 * be larger than the whole: then 100.
 */
static inline uint64_t tm__percent(uint64_t part, uint64_t whole)
{
    if (part >= whole)
        return 100;
    for (; whole > UINT64_MAX / 200; whole /= 2)
        part /= 2;
    return (100 * part + whole / 2) / whole;
}

static inline struct tm__figures tm__figures_of(const struct tm_totals *totals)
{
    struct tm__figures figures = {
        .totals = *totals, .live_bytes = tm_live_bytes(totals), .live_blocks = tm_live_blocks(totals)};
    figures.remote_percent = totals->freed_bytes == 0
                                 ? TM__NO_FIGURE
                                 : tm__percent(totals->remote_frees_received_bytes, totals->freed_bytes);
    return figures;
}

enum tm__unit {
    TM__BYTES,
    TM__PEAK, /* bytes; an upper bound if the row is a sum */
    TM__RATE, /* bytes per second */
    TM__COUNT,
    TM__PERCENT,
    TM__LIMIT, /* bytes, 0: no limit. The last column, which is shown only if a row has one */
};

/*
 * For top: the column's place; and, for each view, the order in which columns are left out in a narrow terminal, the
 * highest number first. 0: the view never has it.
 */
struct tm__top_column {
    const char *title;
    int width, place;
    int of_processes, of_threads, of_tags;
};

struct tm__column {
    const char *key; /* in JSON, and so in the data of the page */
    enum tm__unit unit;
    size_t offset; /* in struct tm__figures */
    const char *title;
    int table, report; /* widths in the tables of tm_report() and dump, and in those of report */
    struct tm__top_column top;
    const char *page, *explained; /* the title in the page, and the explanation that it shows */
    bool computed;                /* from counters, and in JSON beside them */
};

#define TM__FIGURE(name) offsetof(struct tm__figures, name)

static const struct tm__column tm__columns[] = {
    {"live_bytes", TM__BYTES, TM__FIGURE(live_bytes), "LIVE", .table = 11, .top = {"LIVE", 8, 1, 2, 1, 1}},
    {"live_blocks", TM__COUNT, TM__FIGURE(live_blocks), "BLOCKS", .table = 9, .top = {"BLOCKS", 7, 4, 10, 6, 6}},
    {"peak_bytes", TM__PEAK, TM__FIGURE(totals.peak_bytes), "PEAK", .table = 13, .report = 13,
     .top = {"PEAK", 8, 3, 11, 3, 2}, .page = "Peak"},
    {"at_peak_bytes", TM__BYTES, TM__FIGURE(at_peak_bytes), "AT PEAK", .report = 11, .page = "At process's peak",
     .explained = "Live when the process had most"},
    {"live_bytes", TM__BYTES, TM__FIGURE(live_bytes), "AT END", .report = 11, .page = "At end"},
    {"live_blocks", TM__COUNT, TM__FIGURE(live_blocks), .page = "Blocks", .explained = "Live at the end"},
    {"allocated_bytes", TM__BYTES, TM__FIGURE(totals.allocated_bytes), "ALLOCATED", .table = 12, .report = 12,
     .top = {"ALLOCATED", 9, 7, 0, 10, 10}, .page = "Allocated"},
    {"allocated_bytes_per_second", TM__RATE, TM__FIGURE(allocated_bytes_per_second), "PER SECOND", .report = 13,
     .top = {"RATE", 10, 5, 5, 4, 3}, .page = "Per second", .explained = "Allocated, while it was recorded"},
    {"remote_frees_received_bytes", TM__BYTES, TM__FIGURE(totals.remote_frees_received_bytes), "FREED BY OTHERS",
     .table = 17, .report = 17, .page = "Freed by others", .explained = "Of what it allocated"},
    {"remote_percent", TM__PERCENT, TM__FIGURE(remote_percent), .top = {"OTHERS", 6, 6, 6, 5, 5}},
    {"remote_frees_made_bytes", TM__BYTES, TM__FIGURE(totals.remote_frees_made_bytes), "FREED FOR OTHERS", .table = 18,
     .report = 18, .top = {"FOR OTHERS", 10, 8, 0, 11, 0}, .page = "Freed for others",
     .explained = "What others had allocated"},
    {"limit_bytes", TM__LIMIT, TM__FIGURE(limit_bytes), "LIMIT", .table = 12, .report = 12,
     .top = {"LIMIT", 8, 2, 0, 0, 4}, .page = "Limit", .explained = "What would pass it was refused"},
};
enum { TM__COLUMNS = sizeof tm__columns / sizeof tm__columns[0] };

static inline uint64_t tm__figure(const struct tm__column *column, const struct tm__figures *figures)
{
    return *(const uint64_t *)(const void *)((const char *)figures + column->offset);
}

#endif
