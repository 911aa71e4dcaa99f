/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What metering costs. The contenders do the same work in turn, in many short rounds. The ratio of two times in one
 * round stays right even if the machine's speed changes between rounds.
 */
#define _GNU_SOURCE
#include "table.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct table table = {.rounds = 31};

static void usage(FILE *to)
{
    fprintf(to, "usage: bench [--table KIND] [--rounds N] [--quick] [--trace FILE] [--only WORKLOAD[,WORKLOAD]...]\n"
                "             [--out DIR] NAME=WORKER...\n"
                "\n"
                "Measures the workers side by side; ratios are to the first.\n"
                "  --table KIND     which rows: workloads (the default), sizes, threads, memory or processes\n"
                "  --rounds N       how often each runs each workload (31; at most 1001)\n"
                "  --quick          no run to warm up\n"
                "  --trace FILE     what the workload `trace` replays; without it, `trace` is left out\n"
                "  --only ...       only the rows of these workloads\n"
                "  --out DIR        also write the figures to this folder, as JSON, Markdown and text with tabs\n"
                "\n");
    print_workloads(to);
}

void fail(const char *what, const char *name)
{
    fprintf(stderr, "bench: %s %s\n", what, name);
    exit(1);
}

static void add_contender(char *argument)
{
    char *equals = strchr(argument, '=');
    if (!equals)
        fail("no worker is named by", argument);
    *equals = '\0';
    table.contenders[table.contender_count++] = (struct contender){argument, equals + 1, 0, -1, -1};
}

static void leave_out_trace(void)
{
    for (unsigned r = 0; r < table.row_count; r++)
        if (strcmp(table.rows[r].name, "trace") == 0) {
            memmove(&table.rows[r], &table.rows[r + 1], (table.row_count - r - 1) * sizeof table.rows[0]);
            table.row_count--;
            return;
        }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"table", required_argument, NULL, 'k'}, {"rounds", required_argument, NULL, 'r'},
        {"quick", no_argument, NULL, 'q'},       {"trace", required_argument, NULL, 't'},
        {"only", required_argument, NULL, 'o'},  {"out", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    const char *kind = "workloads", *only = NULL, *directory = NULL;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 'k':
            kind = optarg;
            break;
        case 'r':
            table.rounds = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'q':
            table.quick = true;
            break;
        case 't':
            table.trace_file = optarg;
            break;
        case 'o':
            only = optarg;
            break;
        case 'd':
            directory = optarg;
            break;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return 2;
        }
    if (table.rounds < 1 || table.rounds > MOST_ROUNDS || optind == argc || argc - optind > MOST_CONTENDERS ||
        !add_rows(&table, kind)) {
        usage(stderr);
        return 2;
    }
    if (only)
        keep_rows(&table, only);
    if (!table.trace_file)
        leave_out_trace();
    if (table.row_count == 0)
        return 0;
    signal(SIGPIPE, SIG_IGN);
    for (; optind < argc; optind++)
        add_contender(argv[optind]);
    for (unsigned r = 0; r < table.row_count; r++) {
        measure(&table, r);
        print_row(&table, r);
    }
    if (strcmp(kind, "workloads") == 0)
        print_means(&table);
    if (directory) {
        write_json(&table, directory, kind);
        write_markdown(&table, directory);
    }
    return 0;
}
