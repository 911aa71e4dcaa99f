/* SPDX-License-Identifier: BSD-3-Clause */
/* tm_report(): the table for a person. Allocates nothing, so the rows shown are bounded; the rest is one row. */
#define _GNU_SOURCE
#include "slot.h"
#include "text.h"
#include "threadmeter/totals.h"

#include <errno.h>
#include <unistd.h>

enum { ROWS = 64 };

struct table {
    struct tm_slot rows[ROWS]; /* the largest, by live bytes */
    unsigned count;
    unsigned others; /* how many are in `rest` */
    struct tm_totals rest;
    struct tm_totals total;
};

static void add(struct tm_totals *sum, const struct tm_totals *more)
{
    sum->allocated_bytes += more->allocated_bytes;
    sum->allocated_blocks += more->allocated_blocks;
    sum->freed_bytes += more->freed_bytes;
    sum->freed_blocks += more->freed_blocks;
    sum->freed_by_others_bytes += more->freed_by_others_bytes;
    sum->freed_by_others_blocks += more->freed_by_others_blocks;
    sum->peak_bytes += more->peak_bytes;
}

static int collect(const struct tm_slot *slot, void *arg)
{
    struct table *table = arg;
    add(&table->total, &slot->totals);
    if ((slot->state == TM_LATE || slot->state == TM_OVERFLOW) && slot->totals.allocated_blocks == 0)
        return 0;

    unsigned place = table->count;
    while (place > 0 && tm_live_bytes(&table->rows[place - 1].totals) < tm_live_bytes(&slot->totals))
        place--;
    if (table->count == ROWS) {
        add(&table->rest, place == ROWS ? &slot->totals : &table->rows[ROWS - 1].totals);
        table->others++;
        if (place == ROWS)
            return 0;
        table->count--;
    }
    for (unsigned i = table->count++; i > place; i--)
        table->rows[i] = table->rows[i - 1];
    table->rows[place] = *slot;
    return 0;
}

static void put_totals(struct tm__text *text, const struct tm_totals *totals, const char *peak_prefix)
{
    tm__put_bytes(text, tm_live_bytes(totals), 11);
    tm__put_count(text, tm_live_blocks(totals), 9);
    if (*peak_prefix) {
        char string[32];
        struct tm__text cell = TM__TEXT(string, -1);
        tm__put(&cell, peak_prefix);
        tm__put_bytes(&cell, totals->peak_bytes, 0);
        tm__put_padded(text, tm__string(&cell), 13);
    } else {
        tm__put_bytes(text, totals->peak_bytes, 13);
    }
    tm__put_bytes(text, totals->allocated_bytes, 12);
    tm__put_bytes(text, totals->freed_by_others_bytes, 17);
    tm__put(text, "\n");
}

static void put_slot(struct tm__text *text, const struct tm_slot *slot)
{
    static const char *const states[] = {
        [TM_LIVE] = "live", [TM_ORPHAN] = "orphan", [TM_LATE] = "late", [TM_OVERFLOW] = "overflow"};
    bool shared = slot->state == TM_LATE || slot->state == TM_OVERFLOW;
    char string[24];
    struct tm__text tid = TM__TEXT(string, -1);
    if (shared)
        tm__put(&tid, "-");
    else
        tm__put_number(&tid, (uint64_t)slot->tid);

    tm__put_padded(text, shared ? "(shared)" : slot->name, -16);
    tm__put_padded(text, tm__string(&tid), 9);
    tm__put(text, "  ");
    tm__put_padded(text, states[slot->state], -8);
    put_totals(text, &slot->totals, "");
}

/* A row that is a sum: its peaks were not at one moment, so theirs is a bound. */
static void put_sum(struct tm__text *text, const char *label, const struct tm_totals *totals)
{
    tm__put_padded(text, label, -35);
    put_totals(text, totals, "<= ");
}

static void put_crossings(struct tm__text *text)
{
    struct tm_crossings crossings;
    tm_process_crossings(&crossings);
    tm__put_number(text, crossings.foreign_frees);
    tm__put(text, " foreign frees, ");
    tm__put_number(text, crossings.foreign_reallocs);
    tm__put(text, " foreign reallocs, ");
    tm__put_number(text, crossings.caught_frees);
    tm__put(text, " caught frees, ");
    tm__put_number(text, crossings.caught_reallocs);
    tm__put(text, " caught reallocs");
    if (crossings.misuses_told > 0) {
        tm__put(text, ", ");
        tm__put_number(text, crossings.misuses_told);
        tm__put(text, " misuses told");
    }
    tm__put(text, "\n");
}

int tm_report(int fd)
{
    int saved = errno;
    struct table table = {0};
    struct tm_totals retired, process;
    tm_each_slot(collect, &table);
    tm_retired_totals(&retired);
    tm_process_totals(&process);
    add(&table.total, &retired);
    table.total.peak_bytes = process.peak_bytes;

    char page[4096];
    struct tm__text text = TM__TEXT(page, fd);
    tm__put(&text, "threadmeter: ");
    tm__put(&text, program_invocation_short_name);
    tm__put(&text, ", pid ");
    tm__put_number(&text, (uint64_t)getpid());
    tm__put(&text,
            "\n"
            "THREAD                TID  STATE          LIVE   BLOCKS         PEAK   ALLOCATED  FREED BY OTHERS\n");
    for (unsigned i = 0; i < table.count; i++)
        put_slot(&text, &table.rows[i]);
    if (table.others > 0) {
        char string[40];
        struct tm__text label = TM__TEXT(string, -1);
        tm__put(&label, "(");
        tm__put_number(&label, table.others);
        tm__put(&label, " more)");
        put_sum(&text, tm__string(&label), &table.rest);
    }
    if (retired.allocated_blocks > 0)
        put_sum(&text, "(exited, nothing left)", &retired);
    put_sum(&text, "total", &table.total);
    put_crossings(&text);
    int result = tm__flush(&text);
    errno = saved;
    return result;
}
