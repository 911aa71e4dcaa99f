/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tables: cells under titles. Each cell is written at once, so no memory is needed even for a hundred thousand rows.
 * Columns have a fixed width; a number that is wider is not cut.
 */
#ifndef TM_TABLE_H
#define TM_TABLE_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct tool_column {
    const char *title;
    int width; /* negative: its cells begin at the left, else they end at the right; 0: as wide as what is in it */
    int gap;   /* blanks before it */
};

struct tool_table {
    FILE *out;
    const struct tool_column *columns;
    int next; /* the column of the next cell: begins as 0, and is so again after tool_end_row() */
};

/* The titles of the next columns, before `last`. */
void tool_put_titles(struct tool_table *table, int last);

/* Each of these writes one cell. */
void tool_put_name(struct tool_table *table, const char *name); /* by tool_fit(): it may contain any bytes */
void tool_put_text(struct tool_table *table, const char *text); /* written unchanged */
void tool_put_number(struct tool_table *table, uint64_t number);
void tool_put_pid(struct tool_table *table, pid_t pid); /* in a damaged file it may be negative */
void tool_put_bytes(struct tool_table *table, uint64_t bytes);

/* A name across all columns from the next to the one before `last`. */
void tool_put_label(struct tool_table *table, const char *label, int last);

void tool_end_row(struct tool_table *table);

#endif
