/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What metering costs. The contenders do the same work in turn, in many short rounds. The ratio of two times in one
 * round stays right even if the machine's speed changes between rounds. Each contender is a process with its own
 * malloc; all but one wait for their turn.
 */
#define _GNU_SOURCE
#include "../workloads/workloads.h"

#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_CONTENDERS = 20, MOST_ROUNDS = 1001, ROUNDS_PER_PROCESS = 5 };

static const struct {
    const char *name, *what;
} workloads[] = {
#define X(name, group, processors, what) {#name, what},
    WORKLOADS(X)
#undef X
};

static struct contender {
    const char *name, *file;
    pid_t pid;
    int to, from;
} contenders[MOST_CONTENDERS];
static unsigned contender_count;

struct result {
    double min, median;
    double min_ratio; /* of the minima */
    double ratio;     /* the median of the ratios of the rounds */
};
static struct result results[WORKLOAD_COUNT][MOST_CONTENDERS];
static bool chosen[WORKLOAD_COUNT];

static void usage(FILE *to)
{
    fprintf(
        to,
        "usage: bench [--rounds N] [--trace FILE] [--only WORKLOAD]... [--json FILE] [--table FILE] NAME=WORKER...\n"
        "\n"
        "Measures the workers side by side; ratios are to the first.\n"
        "  --rounds N       how often each runs each workload (31; at most 1001)\n"
        "  --trace FILE     what the workload `trace` replays; without it, `trace` is left out\n"
        "  --only WORKLOAD  not all workloads, but this one; may be repeated\n"
        "  --json FILE      also write the figures to this file\n"
        "  --table FILE     and the median ratios to this one: a row for each workload, with tabs\n"
        "Workloads:\n");
    for (unsigned w = 0; w < WORKLOAD_COUNT; w++)
        fprintf(to, "  %-15s  %s\n", workloads[w].name, workloads[w].what);
}

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "bench: %s %s\n", what, name);
    exit(1);
}

static void start(struct contender *contender, const char *trace_file)
{
    int to[2], from[2];
    posix_spawn_file_actions_t actions;
    char *arguments[] = {(char *)contender->file, (char *)trace_file, NULL};
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
        fail("no pipe for", contender->name);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    if (posix_spawn(&contender->pid, contender->file, &actions, NULL, arguments, environ) != 0)
        fail("cannot start", contender->file);
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    contender->to = to[1];
    contender->from = from[0];
}

static void stop(const struct contender *contender)
{
    close(contender->to);
    close(contender->from);
    waitpid(contender->pid, NULL, 0);
}

static double run(const struct contender *contender, uint32_t workload)
{
    double ns = 0;
    if (write(contender->to, &workload, sizeof workload) != sizeof workload ||
        read(contender->from, &ns, sizeof ns) != sizeof ns || !(ns > 0))
        fail("no answer from", contender->name);
    return ns;
}

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
static void shuffle(unsigned *order)
{
    static uint64_t seed = 1;
    for (unsigned i = contender_count; i > 1; i--) {
        unsigned other = next_random(&seed) % i, kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

static void measure(uint32_t workload, unsigned rounds, const char *trace_file)
{
    static double ns[MOST_CONTENDERS][MOST_ROUNDS], ratio[MOST_CONTENDERS][MOST_ROUNDS];
    unsigned order[MOST_CONTENDERS];
    for (unsigned c = 0; c < contender_count; c++)
        order[c] = c;
    for (unsigned round = 0; round < rounds; round++) {
        shuffle(order);
        /*
         * Where a process's heap is in memory makes it faster or slower until it exits, so each contender is restarted
         * often.
         */
        for (unsigned i = 0; round % ROUNDS_PER_PROCESS == 0 && i < contender_count; i++) {
            start(&contenders[order[i]], trace_file);
            run(&contenders[order[i]], workload); /* to warm up */
        }
        for (unsigned i = 0; i < contender_count; i++)
            ns[order[i]][round] = run(&contenders[order[i]], workload);
        for (unsigned c = 0; c < contender_count; c++)
            ratio[c][round] = ns[c][round] / ns[0][round];
        for (unsigned c = 0;
             (round % ROUNDS_PER_PROCESS == ROUNDS_PER_PROCESS - 1 || round == rounds - 1) && c < contender_count; c++)
            stop(&contenders[c]);
    }
    for (unsigned c = 0; c < contender_count; c++) {
        struct result *result = &results[workload][c];
        result->median = median(ns[c], rounds);
        result->min = ns[c][0];
        result->min_ratio = result->min / results[workload][0].min;
        result->ratio = median(ratio[c], rounds);
    }
}

static double geometric_mean(unsigned contender)
{
    double sum = 0;
    unsigned count = 0;
    for (unsigned w = 0; w < WORKLOAD_COUNT; w++)
        if (chosen[w]) {
            sum += log(results[w][contender].ratio);
            count++;
        }
    return exp(sum / count);
}

static void print_one(unsigned w)
{
    printf("\n%s: %s\n%-26s %10s %10s   %s\n", workloads[w].name, workloads[w].what, "", "min ns", "median ns",
           "ratio to first: of minima, median");
    for (unsigned c = 0; c < contender_count; c++)
        printf("  %-24s %10.1f %10.1f %24.2f %8.2f\n", contenders[c].name, results[w][c].min, results[w][c].median,
               results[w][c].min_ratio, results[w][c].ratio);
    fflush(stdout);
}

static void print_summary(void)
{
    printf("\nGeometric mean of the ratios\n");
    for (unsigned c = 0; c < contender_count; c++)
        printf("  %-24s %45.2f\n", contenders[c].name, geometric_mean(c));
}

static void write_json(const char *name, unsigned rounds)
{
    FILE *file = fopen(name, "w");
    if (!file)
        fail("cannot write", name);
    fprintf(file, "{\n  \"rounds\": %u,\n  \"workloads\": [", rounds);
    const char *separator = "";
    for (unsigned w = 0; w < WORKLOAD_COUNT; w++) {
        if (!chosen[w])
            continue;
        fprintf(file, "%s\n    {\"name\": \"%s\", \"operation\": \"%s\", \"contenders\": [", separator,
                workloads[w].name, workloads[w].what);
        for (unsigned c = 0; c < contender_count; c++)
            fprintf(file,
                    "%s\n      {\"name\": \"%s\", \"min_ns\": %.2f, \"median_ns\": %.2f, \"ratio_of_minima\": %.3f, "
                    "\"median_ratio\": %.3f}",
                    c ? "," : "", contenders[c].name, results[w][c].min, results[w][c].median, results[w][c].min_ratio,
                    results[w][c].ratio);
        fprintf(file, "]}");
        separator = ",";
    }
    fprintf(file, "\n  ],\n  \"geometric_mean_ratio\": {");
    for (unsigned c = 0; c < contender_count; c++)
        fprintf(file, "%s\"%s\": %.3f", c ? ", " : "", contenders[c].name, geometric_mean(c));
    fprintf(file, "}\n}\n");
    if (fclose(file) != 0)
        fail("cannot write", name);
}

static void write_table(const char *name)
{
    FILE *file = fopen(name, "w");
    if (!file)
        fail("cannot write", name);
    fprintf(file, "workload");
    for (unsigned c = 0; c < contender_count; c++)
        fprintf(file, "\t%s", contenders[c].name);
    for (unsigned w = 0; w < WORKLOAD_COUNT; w++)
        if (chosen[w]) {
            fprintf(file, "\n%s", workloads[w].name);
            for (unsigned c = 0; c < contender_count; c++)
                fprintf(file, "\t%.2f", results[w][c].ratio);
        }
    fprintf(file, "\ngeometric_mean");
    for (unsigned c = 0; c < contender_count; c++)
        fprintf(file, "\t%.2f", geometric_mean(c));
    fputc('\n', file);
    if (fclose(file) != 0)
        fail("cannot write", name);
}

static void choose(const char *name)
{
    for (unsigned w = 0; w < WORKLOAD_COUNT; w++)
        if (strcmp(workloads[w].name, name) == 0) {
            chosen[w] = true;
            return;
        }
    fail("no such workload:", name);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"rounds", required_argument, NULL, 'r'},
        {"trace", required_argument, NULL, 't'},
        {"only", required_argument, NULL, 'o'},
        {"json", required_argument, NULL, 'j'},
        {"table", required_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    unsigned long rounds = 31;
    const char *trace_file = NULL, *json = NULL, *table = NULL;
    bool some = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 'r':
            rounds = strtoul(optarg, NULL, 10);
            break;
        case 't':
            trace_file = optarg;
            break;
        case 'j':
            json = optarg;
            break;
        case 'm':
            table = optarg;
            break;
        case 'o':
            choose(optarg);
            some = true;
            break;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return 2;
        }
    if (rounds < 1 || rounds > MOST_ROUNDS || optind == argc || argc - optind > MOST_CONTENDERS) {
        usage(stderr);
        return 2;
    }
    if (!some)
        memset(chosen, true, sizeof chosen);
    if (!trace_file)
        chosen[trace_workload] = false;
    signal(SIGPIPE, SIG_IGN);
    for (; optind < argc; optind++) {
        char *equals = strchr(argv[optind], '=');
        if (!equals)
            fail("no worker is named by", argv[optind]);
        *equals = '\0';
        contenders[contender_count] = (struct contender){argv[optind], equals + 1, 0, -1, -1};
        contender_count++;
    }
    for (uint32_t w = 0; w < WORKLOAD_COUNT; w++)
        if (chosen[w]) {
            measure(w, (unsigned)rounds, trace_file);
            print_one(w);
        }
    print_summary();
    if (json)
        write_json(json, (unsigned)rounds);
    if (table)
        write_table(table);
    return 0;
}
