/* SPDX-License-Identifier: BSD-3-Clause */
/* threadmeter record: the command line, and the process to record. record_loop.c takes the readings. */
#include "record/record.h"
#include "common/directories.h"
#include "common/messages.h"
#include "common/numbers.h"
#include "common/stop.h"
#include "common/target.h"
#include "record/record_file.h"
#include "record/record_loop.h"
#include "run/preload.h"
#include "run/program.h"
#include "run/spawn.h"
#include "run/unseen.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_help(void)
{
    fputs("usage: threadmeter record [-o FILE] [--every TIME] [--for TIME] [--all-users] [PID | NAME]\n"
          "       threadmeter record [-o FILE] [--every TIME] [--for TIME] -- PROGRAM [ARGUMENT]...\n"
          "\n"
          "Records what each thread of a process owns, over time; 'threadmeter report FILE' shows it. PID,\n"
          "or the one of yours that runs NAME, publishes its totals ('threadmeter list' shows who does;\n"
          "without: the only one). PROGRAM is started, as by 'threadmeter run'; its exit code is passed on. Its\n"
          "children are not recorded.\n"
          "If a process becomes another program by exec, that one is recorded instead.\n"
          "\n"
          "It ends with the process, or by Ctrl-C; for PROGRAM, signals are passed on to it. Whatever happens,\n"
          "the readings that are in FILE can be used.\n"
          "\n"
          "  -o, --output=FILE   default: threadmeter-PID.tmrec, or the next name of this kind that is free\n"
          "  -f, --force         replaces FILE if there is one, with the first reading\n"
          "  -e, --every=TIME    between two readings, at least 1ms; default: 100ms\n"
          "  -t, --for=TIME      ends the recording then (PROGRAM goes on)\n"
          "  -A, --all-users     looks for it among the processes of all users\n"
          "  -q, --quiet         prints no progress on stderr, nor what of PROGRAM cannot be counted\n"
          "  -h, --help\n"
          "\n"
          "TIME: 100ms, 2s, 1.5, 10m, 1h\n",
          stdout);
}

struct request {
    const char *output; /* NULL: named after the pid */
    bool force, all_users;
    struct record_loop loop;
    struct record_file file;
};

static bool open_output(struct request *request, pid_t pid)
{
    if (!record_file_open(&request->file, request->output, request->force, pid))
        return false;
    request->loop.path = request->file.path;
    request->loop.fd = request->file.fd;
    return true;
}

/* If nothing was recorded, no file is left, and none is replaced. */
static int close_output(struct request *request, int result)
{
    bool closed = record_file_close(&request->file, request->loop.readings > 0);
    return result == TOOL_OK && !closed ? TOOL_FAILED : result;
}

static int record_process(struct request *request, const char *target)
{
    struct tm_reader *reader = tool_open(target, request->all_users);
    if (!reader)
        return TOOL_FAILED;
    const struct tm_reading *reading;
    char message[TM_READER_MESSAGE];
    if (tm_reader_read(reader, &reading, message) != 0) {
        tm_reader_close(reader);
        return tool_fail("%s", message);
    }
    if (!open_output(request, reading->pid)) {
        tm_reader_close(reader);
        return TOOL_FAILED;
    }
    if (reading->unknown && !request->loop.quiet && request->loop.for_ns == UINT64_MAX)
        tool_warn("cannot find out whether process %d runs: recording ends when it is interrupted", (int)reading->pid);
    tool_ignore_write_signals();
    return close_output(request, record_until_end(&request->loop, reader, reading->pid));
}

static int record_program(struct request *request, char **argv)
{
    struct tool_program program;
    struct tool_child child;
    char directory[PATH_MAX];
    int error = tool_find_program(&program, argv[0]);
    if (error)
        return error;
    if (!tool_find_directory(directory, sizeof directory, tool_directory_to_publish()) ||
        !tool_meter_programs(directory) || (request->output && !open_output(request, 0)))
        return TOOL_FAILED;
    if (!request->loop.quiet)
        tool_tell_unseen(&program);
    if (!tool_spawn(&child, &program, argv))
        return request->output ? close_output(request, TOOL_FAILED) : TOOL_FAILED;
    if (!request->output && !open_output(request, child.pid)) {
        tool_spawn_cancel(&child);
        return TOOL_FAILED;
    }
    tool_spawn_start(&child);
    tool_ignore_write_signals(); /* only now, since a program that is started must not inherit it */
    request->loop.child = &child;
    struct tm_reader *reader = record_await(&request->loop);
    int result = TOOL_OK;
    if (reader)
        result = record_until_end(&request->loop, reader, child.pid);
    else
        tool_warn("%s ended before it could be looked at; 'threadmeter run --report FILE' shows what lives so short",
                  argv[0]);
    result = close_output(request, result);
    while (!request->loop.child_ended)
        request->loop.child_ended = tool_wait(&child, UINT64_MAX);
    int code = tool_exit_code(&child);
    return code != 0 ? code : result;
}

int tool_record(int argc, char **argv)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'}, {"force", no_argument, NULL, 'f'},
        {"every", required_argument, NULL, 'e'},  {"for", required_argument, NULL, 't'},
        {"all-users", no_argument, NULL, 'A'},    {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct request request = {.loop = {.every_ns = 100000000, .for_ns = UINT64_MAX}};
    for (int option; (option = getopt_long(argc, argv, "+o:fe:t:Aqh", options, NULL)) != -1;)
        switch (option) {
        case 'o':
            request.output = optarg;
            break;
        case 'f':
            request.force = true;
            break;
        case 'e':
            if (!tool_parse_seconds(optarg, &request.loop.every_ns) || request.loop.every_ns < 1000000)
                return tool_misused("'%s' is no time between two readings", optarg);
            break;
        case 't':
            if (!tool_parse_seconds(optarg, &request.loop.for_ns))
                return tool_misused("'%s' is no time", optarg);
            break;
        case 'A':
            request.all_users = true;
            break;
        case 'q':
            request.loop.quiet = true;
            break;
        case 'h':
            print_help();
            return TOOL_OK;
        default:
            return tool_bad_option();
        }
    bool program = optind > 1 && optind < argc && strcmp(argv[optind - 1], "--") == 0;
    if (!program && argc - optind > 1)
        return tool_misused("one PID or NAME, or -- PROGRAM");
    return program ? record_program(&request, argv + optind) : record_process(&request, argv[optind]);
}
