/* SPDX-License-Identifier: BSD-3-Clause */
/* The threadmeter tool: finds the command, and does not know what the command does. */
#include "common/allocate.h"
#include "common/messages.h"
#include "common/printable.h"
#include "config.h"
#include "dump.h"
#include "export/export.h"
#include "list.h"
#include "record/record.h"
#include "report/report.h"
#include "run/run.h"
#include "top/top.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"run", tool_run, "run a program that was not built with threadmeter"},
    {"list", tool_list, "list the processes that publish their totals"},
    {"top", tool_top, "watch processes, or the threads of one, live"},
    {"dump", tool_dump, "print what each thread of a process owns, now or at its end"},
    {"record", tool_record, "record a process over time, to a file"},
    {"report", tool_report, "print a recording as text, or as a page with charts"},
    {"export", tool_export, "export metrics for Prometheus, to a file or over HTTP"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *out)
{
    fputs("usage: threadmeter COMMAND [OPTION]... [ARGUMENT]...\n"
          "\n"
          "Shows how much heap memory each thread of a program owns.\n"
          "\n",
          out);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\n"
          "  -h, --help     this text; of a command: threadmeter help COMMAND, or COMMAND --help\n"
          "  -V, --version\n"
          "\n"
          "Try: threadmeter run --report - -- ls -l\n"
          "More: threadmeter(1)\n",
          out);
}

/* Checks that all output was written, for commands that have not done so themselves. */
static int finish(int result)
{
    if (result != TOOL_OK || (fflush(stdout) == 0 && !ferror(stdout)))
        return result;
    return tool_fail("cannot write: %s", strerror(errno));
}

static int run_command(const char *name, int argc, char **argv)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0) {
            static char full_name[32]; /* getopt_long() prints it in its messages */
            snprintf(full_name, sizeof full_name, "threadmeter %s", name);
            argv[0] = full_name;
            tool_command = commands[i].name;
            return finish(commands[i].run(argc, argv));
        }
    return tool_misused("there is no command '%s'", name);
}

/*
 * If standard input, output or error is closed, the next file that is opened would get its number, and our messages. So
 * "/" is opened in its place by O_PATH: reading and writing fail with EBADF, as for a closed descriptor, and unlike
 * with /dev/null no output is lost silently, also if it is opened again as /dev/stdout. A program that is started finds
 * the number closed, as it was.
 */
static bool fill_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH | O_CLOEXEC) != fd)
            return false;
    return true;
}

/*
 * setlocale() does not say why it fails. Without memory it would seem that the locale does not exist, so memory is
 * checked.
 */
static bool load_locales(void)
{
    enum { LARGEST = 1 << 20 }; /* more than the largest file of a locale */
    static const char name[] = "\u00e9";
    char text[sizeof name];
    if (setlocale(LC_CTYPE, "") && strcmp(tool_utf8(text, sizeof text, name), name) == 0)
        return true;
    void *room = malloc(LARGEST);
    free(room);
    return room != NULL;
}

int main(int argc, char **argv)
{
    if (!fill_standard_streams())
        return tool_fail("cannot replace a closed standard stream: %s", strerror(errno));
    tool_need_memory(load_locales() ? 0 : -ENOMEM);
    const char *name = argc > 1 ? argv[1] : "";
    bool help = strcmp(name, "help") == 0;
    if (help && argc > 2) {
        char option[] = "--help", *arguments[] = {NULL, option, NULL};
        return run_command(argv[2], 2, arguments);
    }
    if (help || strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) {
        print_help(stdout);
        return finish(TOOL_OK);
    }
    if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0) {
        puts("threadmeter " TM_VERSION);
        return finish(TOOL_OK);
    }
    if (argc > 1)
        return run_command(name, argc - 1, argv + 1);
    print_help(stderr);
    return TOOL_USAGE;
}
