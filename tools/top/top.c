/* SPDX-License-Identifier: BSD-3-Clause */
/* threadmeter top: the command line. */
#include "top/top.h"
#include "common/messages.h"
#include "common/numbers.h"
#include "common/target.h"
#include "config.h"
#include "top/top_columns.h"
#include "top/top_keys.h"
#include "top/top_model.h"
#include "top/top_once.h"
#include "top/top_processes.h"
#include "top/top_screen.h"
#include "top/top_watch.h"

#include <getopt.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORTEST_INTERVAL = 10000000 };

struct options {
    uint64_t interval_ns;
    bool all_users, once, json, ascii, no_colour;
    enum top_key key;
    const char *filter, *target;
};

static void print_help(void)
{
    fputs("usage: threadmeter top [OPTION]... [PID | NAME | FILE]\n"
          "\n"
          "Shows live what each thread of a process owns; h shows the keys. NAME is the program of one\n"
          "process of yours, FILE is what it published ('threadmeter list' shows them). Without any: all\n"
          "processes of yours, of which one can be opened, or the only one.\n"
          "\n"
          "  -A, --all-users     processes of all users\n"
          "  -d, --delay TIME    between readings: 1s, 500ms; 1s if not given\n"
          "  -s, --sort KEY      live (if not given), peak, blocks, rate, others, name\n"
          "  -f, --filter TEXT   only threads, or processes, whose name contains it\n"
          "  -a, --ascii         bars of ASCII characters\n"
          "      --no-colour     also NO_COLOR in the environment\n"
          "  -1, --once          prints one table, and ends: needs no terminal\n"
          "  -j, --json          with --once: JSON as 'threadmeter dump' prints it; of all, an array\n"
          "  -h, --help\n",
          stdout);
}

/* Returns -1 to continue, else the exit code of the command. */
static int parse(int argc, char **argv, struct options *options)
{
    enum { NO_COLOUR = 256 };
    static const struct option known[] = {{"all-users", no_argument, NULL, 'A'},
                                          {"delay", required_argument, NULL, 'd'},
                                          {"sort", required_argument, NULL, 's'},
                                          {"filter", required_argument, NULL, 'f'},
                                          {"ascii", no_argument, NULL, 'a'},
                                          {"no-colour", no_argument, NULL, NO_COLOUR},
                                          {"no-color", no_argument, NULL, NO_COLOUR},
                                          {"once", no_argument, NULL, '1'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "Ad:s:f:a1jh", known, NULL)) != -1;)
        switch (option) {
        case 'A':
            options->all_users = true;
            break;
        case 'd':
            if (!tool_parse_seconds(optarg, &options->interval_ns) || options->interval_ns < SHORTEST_INTERVAL)
                return tool_misused("--delay %s: a time from 10ms to one day, as 500ms or 2s", optarg);
            break;
        case 's':
            if (!tool_top_parse_key(optarg, &options->key))
                return tool_misused("--sort %s: by live, peak, blocks, rate, others or name", optarg);
            break;
        case 'f':
            if (strlen(optarg) >= TOP_FILTER)
                return tool_misused("--filter: a text of less than %d bytes", TOP_FILTER);
            options->filter = optarg;
            break;
        case 'a':
            options->ascii = true;
            break;
        case NO_COLOUR:
            options->no_colour = true;
            break;
        case '1':
            options->once = true;
            break;
        case 'j':
            options->json = true;
            break;
        case 'h':
            print_help();
            return TOOL_OK;
        default:
            return tool_bad_option();
        }
    if (argc - optind > 1)
        return tool_misused("one PID, NAME or FILE");
    options->target = argv[optind];
    if (options->json && !options->once)
        return tool_misused("--json needs --once");
    if (options->once && options->key == TOP_RATE)
        return tool_misused("--sort rate needs two readings, and --once makes one");
    return -1;
}

#ifdef TM_CURSES
/* Begins with the process that was named, or with the only one there is; otherwise with the list. */
static int begin(struct top *top, const char *target)
{
    struct tm_reader *reader = NULL;
    top->has_list = !target;
    if (target) {
        reader = tool_open(target, top->processes.all_users);
        if (!reader)
            return TOOL_FAILED;
    } else {
        tool_top_read_processes(&top->processes, 0);
        if (top->processes.list.count == 1 &&
            tool_top_open(&top->processes, top->processes.list.rows, &reader, top->notice) != 0)
            reader = NULL;
    }
    top->view = reader ? TOP_THREADS : TOP_PROCESSES;
    tool_top_watch(&top->watch, reader);
    return TOOL_OK;
}

static int watch(const struct options *options)
{
    const char *no_color = getenv("NO_COLOR");
    struct top top = {.processes.all_users = options->all_users,
                      .interval_ns = options->interval_ns,
                      .ascii = options->ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0};
    top.processes.list.key = top.watch.threads.key = top.watch.tags.key = options->key;
    int result = begin(&top, options->target);
    if (result == TOOL_OK) {
        tool_top_filter(tool_top_list(&top), options->filter);
        result = tool_top_run(&top, !options->no_colour && !(no_color && *no_color));
    }
    tool_top_watch(&top.watch, NULL);
    tool_top_free_processes(&top.processes);
    return result;
}
#else
static int watch(const struct options *options)
{
    (void)options;
    return tool_fail("built without curses: only --once");
}
#endif

int tool_top(int argc, char **argv)
{
    struct options options = {.interval_ns = 1000000000, .filter = ""};
    int result = parse(argc, argv, &options);
    if (result != -1)
        return result;
    return options.once ? tool_top_once(options.target, options.all_users, options.json, options.key, options.filter)
                        : watch(&options);
}
