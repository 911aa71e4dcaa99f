/* SPDX-License-Identifier: BSD-3-Clause */
#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static void print_help(void)
{
    fputs("usage: threadmeter list [--prune] [DIRECTORY]\n"
          "\n"
          "Lists the processes that publish their totals, and those that did and crashed: a signal ended\n"
          "them. What others left that ended of themselves is removed. DIRECTORY: only what is there;\n"
          "otherwise the usual place, $THREADMETER_PUBLISH, and wherever processes of yours publish.\n"
          "\n"
          "  -p, --prune   removes the files of those that crashed, or were killed as they started\n"
          "  -h, --help\n",
          stdout);
}

struct listing {
    bool prune, failed;
    size_t count;
};

static void visit(struct tm_reader *reader, void *arg)
{
    struct listing *listing = arg;
    const struct tm_reading *reading;
    const char *path = tm_reader_path(reader);
    char message[TM_READER_MESSAGE], name[TOOL_FIT], live[TOOL_BYTES], shown[PATH_MAX];
    if (tm_reader_read(reader, &reading, message) != 0) {
        tool_warn("%s", message);
        tm_reader_close(reader);
        return;
    }
    if (listing->count++ == 0)
        printf("%9s  %-15s %-7s %8s %10s  %s\n", "PID", "PROGRAM", "STATE", "THREADS", "LIVE", "FILE");
    size_t threads = 0;
    for (size_t i = 0; i < reading->thread_count; i++)
        threads += reading->threads[i].state == TM_LIVE;
    bool remove = listing->prune && !reading->live;
    bool removed = remove && unlink(path) == 0;
    printf("%9d  %s %-7s %8zu %10s  %s%s\n", (int)reading->pid, tool_fit(name, reading->program, 15),
           reading->live ? "live" : "crashed", threads, tool_format_bytes(live, tm_live_bytes(&reading->process)),
           tool_utf8(shown, sizeof shown, path), removed ? " (removed)" : "");
    if (remove && !removed) {
        tool_warn("cannot remove %s: %s", path, strerror(errno));
        listing->failed = true;
    }
    tm_reader_close(reader);
}

int tool_list(int argc, char **argv)
{
    static const struct option options[] = {
        {"prune", no_argument, NULL, 'p'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct listing listing = {0};
    for (int option; (option = getopt_long(argc, argv, "ph", options, NULL)) != -1;)
        switch (option) {
        case 'p':
            listing.prune = true;
            break;
        case 'h':
            print_help();
            return TOOL_OK;
        default:
            return TOOL_USAGE;
        }
    if (argc - optind > 1)
        return tool_misused("one DIRECTORY");
    if (!tool_each_process(argv[optind], visit, &listing))
        return TOOL_FAILED;
    if (listing.prune)
        tool_each_directory(argv[optind], tool_prune_drafts);
    if (listing.count == 0)
        puts("nothing is published here");
    return listing.failed ? TOOL_FAILED : TOOL_OK;
}
