/* SPDX-License-Identifier: BSD-3-Clause */
/* The rounds of one row, and what is made of their figures. */
#include "../workloads/workloads.h"
#include "contender.h"

enum { ROUNDS_PER_PROCESS = 5 };

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

/* In each round another contender comes before, so that what it leaves in the processor's caches favours none. */
static void shuffle(unsigned *order, unsigned count)
{
    static uint64_t seed = 1;
    for (unsigned i = count; i > 1; i--) {
        unsigned other = next_random(&seed) % i, kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

/* The figures of one row, by contender. */
static double figures[MOST_CONTENDERS][MOST_ROUNDS], ratios[MOST_CONTENDERS][MOST_ROUNDS];
static double peaks[MOST_CONTENDERS][MOST_ROUNDS], after[MOST_CONTENDERS][MOST_ROUNDS];

static void summarize(struct table *table, unsigned row, unsigned processes)
{
    for (unsigned c = 0; c < table->contender_count; c++) {
        struct result *result = &table->results[row][c];
        result->median = median(figures[c], table->rounds);
        result->min = figures[c][0];
        result->min_ratio = result->min / table->results[row][0].min;
        result->ratio = median(ratios[c], table->rounds);
        result->peak = median(peaks[c], processes);
        result->after = median(after[c], processes);
    }
}

void measure(struct table *table, unsigned row)
{
    const struct row *what = &table->rows[row];
    struct contender *contenders = table->contenders;
    unsigned order[MOST_CONTENDERS], count = table->contender_count, processes = 0;
    unsigned rounds_per_process = what->once_a_process ? 1 : ROUNDS_PER_PROCESS;
    for (unsigned c = 0; c < count; c++)
        order[c] = c;
    for (unsigned round = 0; round < table->rounds; round++) {
        bool begins = round % rounds_per_process == 0;
        bool ends = round % rounds_per_process == rounds_per_process - 1 || round == table->rounds - 1;
        shuffle(order, count);
        /*
         * Where a process's heap is in memory makes it faster or slower until it exits, so each contender is restarted
         * often.
         */
        for (unsigned i = 0; begins && i < count; i++) {
            start(&contenders[order[i]], table->trace_file);
            if (!what->once_a_process && !table->quick)
                run(&contenders[order[i]], what); /* to warm up */
        }
        for (unsigned i = 0; i < count; i++)
            figures[order[i]][round] = run(&contenders[order[i]], what);
        for (unsigned c = 0; c < count; c++)
            ratios[c][round] = figures[c][round] / figures[0][round];
        for (unsigned c = 0; ends && c < count; c++) {
            read_resident(&contenders[c], &peaks[c][processes], &after[c][processes]);
            stop(&contenders[c]);
        }
        processes += ends;
    }
    summarize(table, row, processes);
}
