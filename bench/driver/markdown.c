/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of docs/development/benchmarks.md, ready to be pasted; and the same with tabs, for gnuplot. */
#include "table.h"

#include <string.h>

typedef double figure(const struct result *result);

static double ratio(const struct result *result)
{
    return result->ratio;
}

static double min_ratio(const struct result *result)
{
    return result->min_ratio;
}

static double peak(const struct result *result)
{
    return result->peak;
}

static double after(const struct result *result)
{
    return result->after;
}

static void write_head(FILE *file, const struct table *table, const char *corner)
{
    fprintf(file, "| %s |", corner);
    for (unsigned c = 0; c < table->contender_count; c++)
        fprintf(file, " %s |", table->contenders[c].name);
    fputs("\n|---|", file);
    for (unsigned c = 0; c < table->contender_count; c++)
        fputs("---:|", file);
    fputc('\n', file);
}

static void write_mean(FILE *file, const struct table *table, bool of_first)
{
    unsigned count = 0;
    for (unsigned r = 0; r < table->row_count; r++)
        count += table->rows[r].first || !of_first;
    if (count == 0)
        return;
    fprintf(file, "| **geometric mean of %s%u** |", of_first ? "the first " : "all ", count);
    for (unsigned c = 0; c < table->contender_count; c++)
        fprintf(file, " **%.2f** |", geometric_mean(table, c, of_first));
    fputc('\n', file);
}

static void write_workloads(const struct table *table, const char *directory, const char *name, figure *of,
                            const char *format)
{
    FILE *file = opened(directory, name, "md");
    write_head(file, table, "");
    for (unsigned r = 0; r < table->row_count; r++) {
        fprintf(file, "| %s |", table->rows[r].name);
        for (unsigned c = 0; c < table->contender_count; c++)
            fprintf(file, format, of(&table->results[r][c]));
        fputc('\n', file);
    }
    if (of == ratio) {
        write_mean(file, table, true);
        write_mean(file, table, false);
    }
    closed(file, name);
}

/* For readers who want to know how long it takes: what one operation is, and the times of three contenders. */
static void write_times(const struct table *table, const char *directory)
{
    static const char *const shown[] = {"tcmalloc", "threadmeter", "glibc"};
    unsigned columns[3], count = 0;
    for (unsigned s = 0; s < 3; s++)
        for (unsigned c = 0; c < table->contender_count; c++)
            if (strcmp(table->contenders[c].name, shown[s]) == 0)
                columns[count++] = c;
    FILE *file = opened(directory, "times", "md");
    fputs("| | operation |", file);
    for (unsigned i = 0; i < count; i++)
        fprintf(file, " %s |", table->contenders[columns[i]].name);
    fputs("\n|---|---|", file);
    for (unsigned i = 0; i < count; i++)
        fputs("---:|", file);
    for (unsigned r = 0; r < table->row_count; r++) {
        fprintf(file, "\n| %s | %s |", table->rows[r].name, table->rows[r].what);
        for (unsigned i = 0; i < count; i++) {
            const struct result *result = &table->results[r][columns[i]];
            fprintf(file, " %.1f / %.1f |", result->min, result->median);
        }
    }
    fputc('\n', file);
    closed(file, "times");
}

static FILE *begun_tabs(const struct table *table, const char *directory, const char *name)
{
    FILE *file = opened(directory, name, "tsv");
    fputs("row", file);
    for (unsigned c = 0; c < table->contender_count; c++)
        fprintf(file, "\t%s", table->contenders[c].name);
    fputc('\n', file);
    return file;
}

/* The ratios, for chart.gp. */
static void write_tabs(const struct table *table, const char *directory)
{
    FILE *file = begun_tabs(table, directory, "ratios");
    for (unsigned r = 0; r < table->row_count; r++) {
        fputs(table->rows[r].name, file);
        for (unsigned c = 0; c < table->contender_count; c++)
            fprintf(file, "\t%.3f", table->results[r][c].ratio);
        fputc('\n', file);
    }
    fputs("geometric_mean", file);
    for (unsigned c = 0; c < table->contender_count; c++)
        fprintf(file, "\t%.3f", geometric_mean(table, c, false));
    fputc('\n', file);
    closed(file, "ratios");
}

/* The rows of one series, from `begin` on: a line for each parameter. Returns the row after it. */
static unsigned write_series(const struct table *table, const char *directory, unsigned begin)
{
    const struct row *series = &table->rows[begin];
    const char *format = strcmp(series->unit, "ns") == 0   ? " %.1f |"
                         : strcmp(series->unit, "ms") == 0 ? " %.2f (%.2f) |"
                                                           : " %.0f (%.2f) |";
    unsigned r = begin;
    FILE *file = opened(directory, series->name, "md"), *tabs = begun_tabs(table, directory, series->name);
    write_head(file, table, series->unit);
    for (; r < table->row_count && table->rows[r].workload == series->workload; r++) {
        fprintf(file, "| %u |", table->rows[r].parameter);
        fprintf(tabs, "%u", table->rows[r].parameter);
        for (unsigned c = 0; c < table->contender_count; c++) {
            const struct result *result = &table->results[r][c];
            fprintf(file, format, result->median, result->ratio);
            fprintf(tabs, "\t%.2f", result->median);
        }
        fputc('\n', file);
        fputc('\n', tabs);
    }
    closed(file, series->name);
    closed(tabs, series->name);
    return r;
}

void write_markdown(const struct table *table, const char *directory)
{
    if (table->rows[0].parameter) {
        for (unsigned r = 0; r < table->row_count;)
            r = write_series(table, directory, r);
        return;
    }
    write_workloads(table, directory, "ratios", ratio, " %.2f |");
    write_workloads(table, directory, "minima", min_ratio, " %.2f |");
    write_workloads(table, directory, "peak", peak, " %.1f |");
    write_workloads(table, directory, "after", after, " %.1f |");
    write_times(table, directory);
    write_tabs(table, directory);
}
