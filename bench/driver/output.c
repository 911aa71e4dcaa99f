/* SPDX-License-Identifier: BSD-3-Clause */
/* What is printed while the driver measures, and the figures for programs. */
#include "table.h"

#include <math.h>
#include <stdlib.h>

double geometric_mean(const struct table *table, unsigned contender, bool of_first)
{
    double sum = 0;
    unsigned count = 0;
    for (unsigned r = 0; r < table->row_count; r++)
        if (table->rows[r].first || !of_first) {
            sum += log(table->results[r][contender].ratio);
            count++;
        }
    return count ? exp(sum / count) : 0;
}

/* The series as a table that grows: what is compared is how a figure changes from row to row. */
static void print_row_of_series(const struct table *table, unsigned r)
{
    const struct row *row = &table->rows[r];
    if (r == 0 || table->rows[r - 1].workload != row->workload) {
        printf("\n%s: %s; medians, %s\n%8s", row->name, row->what, row->unit, "");
        for (unsigned c = 0; c < table->contender_count; c++)
            printf(" %20s", table->contenders[c].name);
        putchar('\n');
    }
    printf("%8u", row->parameter);
    for (unsigned c = 0; c < table->contender_count; c++)
        printf(" %20.2f", table->results[r][c].median);
    putchar('\n');
    fflush(stdout);
}

void print_row(const struct table *table, unsigned r)
{
    const struct row *row = &table->rows[r];
    if (row->parameter) {
        print_row_of_series(table, r);
        return;
    }
    printf("\n%s: %s\n%-26s %7s %-4s %10s   %-36s %s\n", row->name, row->what, "", "min", row->unit, "median",
           "ratio to first: of minima, median", "MiB resident: most, after");
    for (unsigned c = 0; c < table->contender_count; c++) {
        const struct result *result = &table->results[r][c];
        printf("  %-24s %10.1f %12.1f %19.2f %16.2f %18.1f %9.1f\n", table->contenders[c].name, result->min,
               result->median, result->min_ratio, result->ratio, result->peak, result->after);
    }
    fflush(stdout);
}

static void print_mean(const struct table *table, const char *what, bool of_first)
{
    printf("\nGeometric mean of the median ratios, %s\n", what);
    for (unsigned c = 0; c < table->contender_count; c++)
        printf("  %-24s %10.2f\n", table->contenders[c].name, geometric_mean(table, c, of_first));
}

void print_means(const struct table *table)
{
    if (geometric_mean(table, 0, true) > 0)
        print_mean(table, "of the first fifteen workloads", true);
    print_mean(table, "of all", false);
}

FILE *opened(const char *directory, const char *name, const char *ending)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s", directory, name, ending);
    FILE *file = fopen(path, "w");
    if (!file)
        fail("cannot write", path);
    return file;
}

void closed(FILE *file, const char *name)
{
    if (ferror(file) || fclose(file) != 0)
        fail("cannot write", name);
}

void write_json(const struct table *table, const char *directory, const char *kind)
{
    FILE *file = opened(directory, kind, "json");
    fprintf(file, "{\n  \"rounds\": %u,\n  \"rows\": [", table->rounds);
    for (unsigned r = 0; r < table->row_count; r++) {
        const struct row *row = &table->rows[r];
        fprintf(
            file,
            "%s\n    {\"name\": \"%s\", \"parameter\": %u, \"operation\": \"%s\", \"unit\": \"%s\", \"contenders\": [",
            r ? "," : "", row->name, row->parameter, row->what, row->unit);
        for (unsigned c = 0; c < table->contender_count; c++) {
            const struct result *result = &table->results[r][c];
            fprintf(file,
                    "%s\n      {\"name\": \"%s\", \"min\": %.2f, \"median\": %.2f, \"ratio_of_minima\": %.3f, "
                    "\"median_ratio\": %.3f, \"peak_resident_mib\": %.1f, \"resident_mib\": %.1f}",
                    c ? "," : "", table->contenders[c].name, result->min, result->median, result->min_ratio,
                    result->ratio, result->peak, result->after);
        }
        fprintf(file, "]}");
    }
    fprintf(file, "\n  ],\n  \"geometric_means\": [");
    for (unsigned c = 0; c < table->contender_count; c++)
        fprintf(file, "%s\n    {\"name\": \"%s\", \"of_first\": %.3f, \"of_all\": %.3f}", c ? "," : "",
                table->contenders[c].name, geometric_mean(table, c, true), geometric_mean(table, c, false));
    fprintf(file, "\n  ]\n}\n");
    closed(file, kind);
}
