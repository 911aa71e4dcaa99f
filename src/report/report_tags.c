/* SPDX-License-Identifier: BSD-3-Clause */
/* The report's second part: tags, and what each thread has in the largest of them. */
#include "report/report_tags.h"
#include "base/sums.h"
#include "report/report_rows.h"
#include "state/tag_table.h"

#include <string.h>

enum {
    ROWS = 32,
    COLUMNS = 5,      /* of tags; after them one for no tag, and one for all other tags */
    THREADS_MAX = 64, /* the most rows that the first part has */
};

struct row {
    tm_tag tag;
    char name[TM_TAG_NAME_MAX + 1];
    uint64_t limit; /* 0: none */
    bool ended;
    struct tm_totals totals;
};

struct table {
    bool limited, some_ended; /* whether a tag has a limit; whether a tag has ended */
    unsigned count, others;
    struct row rows[ROWS]; /* the largest, by live bytes */
    struct tm_totals rest;
};

static int collect(tm_tag tag, const char *name, const struct tm_totals *totals, void *arg)
{
    struct table *table = arg;
    uint64_t limit = tm__limit_of(tag);
    bool ended = !tm__tag_is_open(tag);
    if (limit == 0 && tm__did_nothing(totals))
        return 0;
    table->limited |= limit != 0;
    table->some_ended |= ended;
    unsigned place = table->count;
    while (place > 0 && tm_live_bytes(&table->rows[place - 1].totals) < tm_live_bytes(totals))
        place--;
    if (table->count == ROWS) {
        tm__add_row(&table->rest, place == ROWS ? totals : &table->rows[ROWS - 1].totals);
        table->others++;
        if (place == ROWS)
            return 0;
        table->count--;
    }
    memmove(&table->rows[place + 1], &table->rows[place], (table->count++ - place) * sizeof table->rows[0]);
    table->rows[place].tag = tag;
    table->rows[place].limit = limit;
    table->rows[place].ended = ended;
    strcpy(table->rows[place].name, name);
    table->rows[place].totals = *totals;
    return 0;
}

struct matrix {
    const struct table *tags;
    const struct tm_slot *threads;
    unsigned thread_count;
    uint64_t live[THREADS_MAX][COLUMNS + 2];
};

static unsigned column_of(const struct table *tags, tm_tag tag)
{
    if (tag == 0)
        return COLUMNS;
    for (unsigned i = 0; i < tags->count && i < COLUMNS; i++)
        if (tags->rows[i].tag == tag)
            return i;
    return COLUMNS + 1;
}

static int add_cell(const struct tm_slot *slot, void *arg)
{
    struct matrix *matrix = arg;
    for (unsigned i = 0; i < matrix->thread_count; i++)
        if (matrix->threads[i].thread == slot->thread)
            matrix->live[i][column_of(matrix->tags, slot->tag)] += tm_live_bytes(&slot->totals);
    return 0;
}

static void put_matrix(struct tm__text *text, const struct table *tags, const struct tm_slot *threads, unsigned count)
{
    struct matrix matrix = {
        .tags = tags, .threads = threads, .thread_count = count < THREADS_MAX ? count : THREADS_MAX};
    unsigned columns = tags->count < COLUMNS ? tags->count : COLUMNS;
    bool others = tags->count > COLUMNS;
    tm_each_slot(add_cell, &matrix);

    tm__put(text, "\nLIVE, BY TAG          TID");
    for (unsigned i = 0; i < columns; i++) {
        tm__put(text, "  ");
        tm__put_padded(text, tags->rows[i].name, 12);
    }
    tm__put(text, others ? "        (none)      (others)\n" : "        (none)\n");
    for (unsigned i = 0; i < matrix.thread_count; i++) {
        char string[24];
        struct tm__text tid = TM__TEXT(string, -1);
        tm__put_number(&tid, (uint64_t)threads[i].tid);
        tm__put_padded(text, threads[i].name, -16);
        tm__put_padded(text, tm__string(&tid), 9);
        for (unsigned k = 0; k < columns; k++)
            tm__put_bytes(text, matrix.live[i][k], 14);
        tm__put_bytes(text, matrix.live[i][COLUMNS], 14);
        if (others)
            tm__put_bytes(text, matrix.live[i][COLUMNS + 1], 14);
        tm__put(text, "\n");
    }
}

/* After the figures come the limit and the state, if the table has these columns. */
static void put_tag(struct tm__text *text, const struct table *table, const struct row *row)
{
    tm__put_padded(text, row->name, -TM__LABEL);
    struct tm__figures figures = tm__figures_of(&row->totals);
    figures.limit_bytes = row->limit;
    tm__put_figures(text, &figures, "<= ", table->some_ended);
    if (table->some_ended)
        tm__put(text, row->ended ? "  ended" : "  open");
    tm__put(text, "\n");
}

bool tm__put_tags(struct tm__text *text, const struct tm_slot *threads, unsigned count)
{
    struct table table = {0};
    tm_each_tag(collect, &table);
    if (table.count == 0)
        return false;
    tm__put(text, "\n");
    tm__put_padded(text, "TAG", -TM__LABEL);
    tm__put_titles(text, table.limited || table.some_ended);
    tm__put(text, table.some_ended ? "  STATE\n" : "\n");
    for (unsigned i = 0; i < table.count; i++)
        put_tag(text, &table, &table.rows[i]);
    if (table.others > 0) {
        char string[40];
        struct tm__text label = TM__TEXT(string, -1);
        tm__put(&label, "(");
        tm__put_number(&label, table.others);
        tm__put(&label, " more)");
        tm__put_sum(text, tm__string(&label), &table.rest);
    }
    put_matrix(text, &table, threads, count);
    return true;
}
