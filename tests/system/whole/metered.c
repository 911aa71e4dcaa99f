/* SPDX-License-Identifier: BSD-3-Clause */
/* The figures by threadmeter. There is one malloc library in the process, and no block has come from another malloc. */
#include "figures.h"

#include <stdio.h>
#include <string.h>

#include <threadmeter/totals.h>

void take_figures(struct figures *figures)
{
    struct tm_totals totals;
    tm_thread_totals(&totals);
    figures->allocated = totals.allocated_bytes;
    figures->live = tm_live_bytes(&totals);
    figures->blocks = tm_live_blocks(&totals);
}

static int count_malloc_libraries(void)
{
    char line[4096];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        count += strstr(line, " r-xp ") && (strstr(line, "threadmeter_malloc") || strstr(line, "threadmeter_preload"));
    if (maps)
        fclose(maps);
    return count;
}

int end_of_figures(void)
{
    struct tm_cross_allocator_calls calls;
    tm_process_cross_allocator_calls(&calls);
    int libraries = count_malloc_libraries();
    if (libraries == 1 && calls.foreign_frees + calls.foreign_reallocs + calls.intercepted_frees == 0)
        return 0;
    fprintf(stderr, "%d malloc libraries, %lu foreign frees\n", libraries, (unsigned long)calls.foreign_frees);
    return 1;
}
