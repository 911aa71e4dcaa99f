/* SPDX-License-Identifier: BSD-3-Clause */
#include "list.h"
#include "common/allocate.h"
#include "common/clock.h"
#include "common/find.h"
#include "common/json_writer.h"
#include "common/messages.h"
#include "common/printable.h"
#include "common/prune.h"
#include "common/states.h"
#include "common/table.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void print_help(void)
{
    fputs("usage: threadmeter list [--all-users] [--json] [--prune] [DIRECTORY]\n"
          "\n"
          "Lists your processes that publish their totals, and those that published and crashed: a signal ended\n"
          "them. Files of processes that ended normally are removed. DIRECTORY: list only what is there;\n"
          "otherwise the default directory, $THREADMETER_PUBLISH, and wherever processes of yours publish.\n"
          "\n"
          "  -A, --all-users  other users' processes, too, with the uid of the file's owner\n"
          "  -j, --json       prints JSON\n"
          "  -p, --prune      removes your files of processes that crashed, or were killed as they started\n"
          "  -h, --help\n",
          stdout);
}

enum { UID, PID, PROGRAM, STATE, THREADS, LIVE, PATH, COLUMNS };
static const struct tool_column columns[COLUMNS] = {
    [UID] = {"UID", 10, 0},     [PID] = {"PID", 9, 0},         [PROGRAM] = {"PROGRAM", -15, 2},
    [STATE] = {"STATE", -7, 1}, [THREADS] = {"THREADS", 8, 1}, [LIVE] = {"LIVE", 10, 1},
    [PATH] = {"FILE", 0, 2},
};

struct listing {
    struct tool_search search;
    struct tool_json *json; /* NULL: as a table */
    size_t count;
};

/* One process, as it is shown. */
struct item {
    const struct tm_reading *reading;
    const char *path;
    size_t threads; /* that live */
    bool removed;   /* its file is */
};

static void put_row(const struct listing *listing, const struct item *item)
{
    char shown[PATH_MAX];
    /* Without other users' processes, the first column is left out. */
    struct tool_table table = {.out = stdout, .columns = listing->search.all_users ? columns : columns + PID};
    if (listing->count == 1) {
        tool_put_titles(&table, listing->search.all_users ? COLUMNS : COLUMNS - PID);
        tool_end_row(&table);
    }
    if (listing->search.all_users)
        tool_put_number(&table, item->reading->uid);
    tool_put_pid(&table, item->reading->pid);
    tool_put_name(&table, item->reading->program);
    tool_put_text(&table, tool_state(item->reading));
    tool_put_number(&table, item->threads);
    tool_put_bytes(&table, tm_live_bytes(&item->reading->process));
    tool_put_text(&table, tool_utf8(shown, sizeof shown, item->path));
    fputs(item->removed ? " (removed)" : "", stdout);
    tool_end_row(&table);
}

static void put_object(const struct listing *listing, const struct item *item)
{
    struct tool_json *json = listing->json;
    if (listing->count == 1)
        tool_json_open(json, NULL, '[');
    tool_json_open(json, NULL, '{');
    tool_json_number(json, "uid", item->reading->uid);
    tool_json_integer(json, "pid", item->reading->pid);
    tool_json_text(json, "program", item->reading->program);
    tool_json_text(json, "state", tool_state(item->reading));
    tool_json_number(json, "started_ns", item->reading->started_ns);
    tool_json_number(json, "threads", item->threads);
    tool_json_number(json, "live_bytes", tm_live_bytes(&item->reading->process));
    tool_json_path(json, "file", item->path);
    tool_json_flag(json, "removed", item->removed);
    tool_json_close(json, '}');
}

static void end_array(const struct listing *listing)
{
    if (listing->count == 0)
        tool_json_open(listing->json, NULL, '[');
    tool_json_close(listing->json, ']');
}

static void visit(struct tm_reader *reader, void *arg)
{
    struct listing *listing = arg;
    const struct tm_reading *reading;
    char message[TM_READER_MESSAGE];
    int unread = tm_reader_read(reader, &reading, message);
    tool_need_memory(unread);
    if (unread) {
        tool_warn("%s", message);
        tm_reader_close(reader);
        return;
    }
    listing->count++;
    struct item item = {.reading = reading, .path = tm_reader_path(reader)};
    for (size_t i = 0; i < reading->thread_count; i++)
        item.threads += reading->threads[i].state == TM_LIVE;
    /*
     * A file that was found by its process has no tool_place. If the process has just ended, the next search finds the
     * file by its name.
     */
    const struct tool_place *place = listing->search.place;
    bool remove = listing->search.prune && place && !place->why_foreign && reading->uid == geteuid() &&
                  !reading->live && !reading->ended && !reading->unknown;
    int error = remove ? tool_remove(place) : 0;
    item.removed = remove && error == 0;
    if (listing->json)
        put_object(listing, &item);
    else
        put_row(listing, &item);
    if (error && error != -EBUSY && error != -ENOENT) {
        tool_warn("cannot remove %s: %s", item.path, strerror(-error));
        listing->search.failed = true;
    }
    tm_reader_close(reader);
}

int tool_list(int argc, char **argv)
{
    static const struct option options[] = {{"all-users", no_argument, NULL, 'A'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"prune", no_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct tool_json json = {.out = stdout};
    struct listing listing = {.search = {.visit = visit, .arg = &listing}};
    struct tool_search *search = &listing.search;
    for (int option; (option = getopt_long(argc, argv, "Ajph", options, NULL)) != -1;)
        switch (option) {
        case 'A':
            search->all_users = true;
            break;
        case 'j':
            listing.json = &json;
            break;
        case 'p':
            search->prune = true;
            break;
        case 'h':
            print_help();
            return TOOL_OK;
        default:
            return tool_bad_option();
        }
    if (argc - optind > 1)
        return tool_misused("one DIRECTORY");
    search->directory = argv[optind];
    search->until_ns = tool_in(TOOL_PATIENCE);
    if (!tool_each_process(search))
        return TOOL_FAILED;
    if (listing.json)
        end_array(&listing);
    else if (listing.count == 0)
        puts(search->others == 0 ? "nothing is published here"
                                 : "nothing of yours is published here; --all-users shows what others publish");
    return search->failed ? TOOL_FAILED : TOOL_OK;
}
