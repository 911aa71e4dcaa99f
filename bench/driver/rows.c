/* SPDX-License-Identifier: BSD-3-Clause */
/* Which rows each kind of table has. */
#include "../workloads/workloads.h"
#include "table.h"

#include <string.h>

static const struct {
    const char *name, *kind, *unit, *what;
    bool first;
} workloads[] = {
#define X(name, group, processors, what) {#name, "workloads", "ns", what, group == FIRST},
    WORKLOADS(X)
#undef X
#define X(name, kind, unit, processors, what) {#name, #kind, #unit, what, false},
        SERIES(X)
#undef X
};

enum { COUNT = sizeof workloads / sizeof workloads[0], MOST_PARAMETERS = 32 };

/* The parameters of each series, which end with a 0; a workload has none but 0. */
static const struct {
    const char *kind, *name;
    unsigned parameters[MOST_PARAMETERS];
} series[] = {
    {"sizes", NULL, {8,    12,   16,   24,   32,   48,   64,   96,    128,   192,   256,   384,   512,  768,
                     1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152, 65536}},
    {"threads", NULL, {1, 2, 4, 8, 16, 32, 64}},
    {"memory", "idle_threads", {512}},
    {"memory", "idle_threads_in_turn", {512, 4096}},
    {"processes", NULL, {20}},
    {"memory", "aligned_blocks", {32, 64, 512, 4096}},
};

static const unsigned *parameters_of(unsigned workload)
{
    static const unsigned none[] = {0, 0};
    for (unsigned s = 0; s < sizeof series / sizeof series[0]; s++)
        if (strcmp(series[s].kind, workloads[workload].kind) == 0 &&
            (!series[s].name || strcmp(series[s].name, workloads[workload].name) == 0))
            return series[s].parameters;
    return none;
}

bool add_rows(struct table *table, const char *kind)
{
    for (uint32_t w = 0; w < COUNT; w++) {
        if (strcmp(workloads[w].kind, kind) != 0)
            continue;
        const unsigned *parameter = parameters_of(w);
        do
            table->rows[table->row_count++] = (struct row){
                .workload = w,
                .parameter = *parameter,
                .name = workloads[w].name,
                .what = workloads[w].what,
                .unit = workloads[w].unit,
                .first = workloads[w].first,
                .once_a_process = strcmp(kind, "memory") == 0,
            };
        while (*parameter++ && *parameter);
    }
    return table->row_count > 0;
}

static bool is_listed(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

void keep_rows(struct table *table, const char *names)
{
    unsigned kept = 0, known = 0, named = 1;
    for (const char *at = names; *at; at++)
        named += *at == ',';
    for (unsigned w = 0; w < COUNT; w++)
        known += is_listed(names, workloads[w].name);
    if (known != named)
        fail("not all of these are names of workloads:", names);
    for (unsigned r = 0; r < table->row_count; r++)
        if (is_listed(names, table->rows[r].name))
            table->rows[kept++] = table->rows[r];
    table->row_count = kept;
}

void print_workloads(FILE *to)
{
    const char *kind = "";
    for (unsigned w = 0; w < COUNT; w++) {
        if (strcmp(kind, workloads[w].kind) != 0)
            fprintf(to, "Table %s:\n", kind = workloads[w].kind);
        fprintf(to, "  %-19s %s\n", workloads[w].name, workloads[w].what);
    }
}
