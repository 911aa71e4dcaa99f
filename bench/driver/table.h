/* SPDX-License-Identifier: BSD-3-Clause */
/* What is measured together: some rows, by all contenders in turn. One process of the driver has one table. */
#ifndef TM_BENCH_TABLE_H
#define TM_BENCH_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum { MOST_CONTENDERS = 32, MOST_ROWS = 64, MOST_ROUNDS = 1001 };

struct row {
    uint32_t workload;   /* its number, as workers know it */
    uint32_t parameter;  /* 0 if it takes none */
    const char *name;    /* the workload's */
    const char *what;    /* what one operation is */
    const char *unit;    /* of the figures: ns, ms, MiB or bytes */
    bool first;          /* one of the first fifteen workloads */
    bool once_a_process; /* it is about a process's memory, so that each run needs a new one */
};

struct contender {
    const char *name, *file;
    pid_t pid;
    int to, from;
};

struct result {
    double min, median;
    double min_ratio; /* of the minima */
    double ratio;     /* the median of the ratios of the rounds */
    double peak,
        after; /* the process's resident size in MiB: the most, and after the last run; medians of all processes */
};

struct table {
    unsigned rounds;
    bool quick; /* without a run to warm up */
    const char *trace_file;
    unsigned row_count, contender_count;
    struct row rows[MOST_ROWS];
    struct contender contenders[MOST_CONTENDERS];
    struct result results[MOST_ROWS][MOST_CONTENDERS];
};

_Noreturn void fail(const char *what, const char *name);

/* ---- rows.c ---- */

/* Fills the table's rows with those of a kind: workloads, sizes, threads, memory or processes. False if there is no such kind. */
bool add_rows(struct table *table, const char *kind);

/* Keeps only the rows of the workloads that a list names, with commas; fails if there is no such workload of any kind. */
void keep_rows(struct table *table, const char *names);

void print_workloads(FILE *to);

/* ---- measure.c ---- */

void measure(struct table *table, unsigned row);

/* ---- output.c, markdown.c ---- */

/* Of the median ratios of a contender: of the first fifteen workloads, or of all in the table; 0 if there is none. */
double geometric_mean(const struct table *table, unsigned contender, bool of_first);

void print_row(const struct table *table, unsigned row);
void print_means(const struct table *table);
FILE *opened(const char *directory, const char *name, const char *ending);
void closed(FILE *file, const char *name);
void write_json(const struct table *table, const char *directory, const char *kind);
void write_markdown(const struct table *table, const char *directory);

#endif
