/* SPDX-License-Identifier: BSD-3-Clause */
#include "dump.h"
#include "common/json_writer.h"
#include "common/messages.h"
#include "common/reading_json.h"
#include "common/reading_table.h"
#include "common/rest.h"
#include "common/system.h"
#include "common/target.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

static void print_help(void)
{
    fputs("usage: threadmeter dump [--all-users] [--json] [PID | NAME | FILE]\n"
          "\n"
          "Prints what each thread of a process owns: now, if it runs, or at its end, if it has crashed.\n"
          "NAME is the program of one process of yours, FILE is what it published ('threadmeter list' shows\n"
          "them). Without any: the only process of yours.\n"
          "\n"
          "  -A, --all-users  looks for it among the processes of all users\n"
          "  -j, --json       prints JSON\n"
          "  -h, --help\n",
          stdout);
}

int tool_dump(int argc, char **argv)
{
    static const struct option options[] = {{"all-users", no_argument, NULL, 'A'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    bool all_users = false, json = false;
    for (int option; (option = getopt_long(argc, argv, "Ajh", options, NULL)) != -1;)
        switch (option) {
        case 'A':
            all_users = true;
            break;
        case 'j':
            json = true;
            break;
        case 'h':
            print_help();
            return TOOL_OK;
        default:
            return tool_bad_option();
        }
    if (argc - optind > 1)
        return tool_misused("one PID, NAME or FILE");

    struct tm_reader *reader = tool_open(argv[optind], all_users);
    const struct tm_reading *reading;
    char message[TM_READER_MESSAGE];
    if (!reader)
        return TOOL_FAILED;
    int result = TOOL_OK;
    if (tm_reader_read(reader, &reading, message) != 0) {
        result = tool_fail("%s", message);
    } else if (json) {
        tool_json_reading(&(struct tool_json){.out = stdout}, reading);
    } else {
        struct tool_memory memory;
        tool_print_reading(stdout, reading, NULL);
        if (reading->visible && tool_process_memory(reading->pid, &memory))
            tool_print_rest(stdout, &reading->process, &memory);
    }
    tm_reader_close(reader);
    if (fflush(stdout) != 0 || ferror(stdout))
        result = tool_fail("cannot write: %s", strerror(errno));
    return result;
}
