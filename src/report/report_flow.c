/* SPDX-License-Identifier: BSD-3-Clause */
/* The report's last part, with THREADMETER_FLOW=1: which thread freed which thread's blocks. */
#include "report/report_flow.h"
#include "report/report_rows.h"
#include "base/columns.h"

#include <string.h>

enum { ROWS = 16 };

struct table {
    unsigned count;
    struct tm_flow rows[ROWS]; /* those with the most bytes */
    uint64_t more, more_bytes, more_blocks, bytes;
};

static void add_to_others(struct table *table, const struct tm_flow *flow)
{
    table->more++;
    table->more_bytes += flow->bytes;
    table->more_blocks += flow->blocks;
}

static int collect(const struct tm_flow *flow, void *arg)
{
    struct table *table = arg;
    table->bytes += flow->bytes;
    unsigned place = table->count;
    while (place > 0 && table->rows[place - 1].bytes < flow->bytes)
        place--;
    if (place == ROWS || strcmp(flow->owner_name, "(others)") == 0) {
        add_to_others(table, flow);
        return 0;
    }
    if (table->count == ROWS)
        add_to_others(table, &table->rows[--table->count]);
    memmove(&table->rows[place + 1], &table->rows[place], (table->count++ - place) * sizeof table->rows[0]);
    table->rows[place] = *flow;
    return 0;
}

static void put_thread(struct tm__text *text, const char *name, pid_t tid)
{
    char string[24];
    struct tm__text cell = TM__TEXT(string, -1);
    if (tid == 0)
        tm__put(&cell, "-");
    else
        tm__put_number(&cell, (uint64_t)tid);
    tm__put_padded(text, name, -16);
    tm__put_padded(text, tm__string(&cell), 9);
    tm__put(text, "  ");
}

static void put_figures(struct tm__text *text, const struct table *table, uint64_t bytes, uint64_t blocks)
{
    char string[24];
    struct tm__text share = TM__TEXT(string, -1);
    tm__put_number(&share, table->bytes == 0 ? 0 : tm__percent(bytes, table->bytes));
    tm__put(&share, " %");
    tm__put_bytes(text, bytes, 11);
    tm__put_count(text, blocks, 9);
    tm__put_padded(text, tm__string(&share), 7);
    tm__put(text, "\n");
}

bool tm__put_flow(struct tm__text *text)
{
    struct table table = {0};
    tm_each_flow(collect, &table);
    if (table.count == 0)
        return false;
    tm__put(text, "\nOWNER                 TID  FREED BY              TID        BYTES   BLOCKS  SHARE\n");
    for (unsigned i = 0; i < table.count; i++) {
        const struct tm_flow *flow = &table.rows[i];
        put_thread(text, flow->owner_name, flow->owner_tid);
        put_thread(text, flow->freer_name, flow->freer_tid);
        put_figures(text, &table, flow->bytes, flow->blocks);
    }
    if (table.more > 0) {
        tm__put_padded(text, "(others)", -54);
        put_figures(text, &table, table.more_bytes, table.more_blocks);
    }
    return true;
}
