/* SPDX-License-Identifier: BSD-3-Clause */
/* threadmeter export: the command line. */
#include "export/export.h"
#include "common/messages.h"
#include "common/numbers.h"
#include "export/export_collect.h"
#include "export/export_file.h"
#include "export/export_http.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_NAMES = 20, MOST_NAMES = 1000 };

static void print_help(void)
{
    fputs("usage: threadmeter export --listen [ADDRESS:]PORT [OPTION]... [PID | NAME | FILE]...\n"
          "       threadmeter export --textfile PATH [--every TIME] [OPTION]... [PID | NAME | FILE]...\n"
          "       threadmeter export --once [OPTION]... [PID | NAME | FILE]...\n"
          "\n"
          "Exports metrics for Prometheus, by program, thread name and tag: of the given processes, or else of all\n"
          "of yours, which are searched for anew each time. NAME is the program of one process.\n"
          "\n"
          "  -l, --listen [ADDRESS:]PORT  serve them over HTTP, at /metrics; ADDRESS: 127.0.0.1 if not given;\n"
          "                               PORT 0: a free one. The address in use is printed\n"
          "  -f, --textfile PATH          write them for node_exporter's textfile collector; PATH must end in .prom\n"
          "  -e, --every TIME             how often to write PATH: 15s (the default), 1m, 500ms\n"
          "  -1, --once                   print them once, to standard output\n"
          "  -d, --dir DIRECTORY          only processes that publish in DIRECTORY\n"
          "  -A, --all-users              other users' processes, too; the label uid says whose each series is\n"
          "  -n, --top N                  of each program, the N thread names that own most have series of their\n"
          "                               own (default: 20); the rest is \"other\"\n"
          "  -t, --tags N                 the same for tags (default: 20)\n"
          "  -h, --help\n",
          stdout);
}

static int export_once(struct tool_export *export)
{
    size_t size;
    char *text = tool_export_collect(export, &size);
    if (!text)
        return TOOL_FAILED;
    bool written = fwrite(text, 1, size, stdout) == size;
    int error = errno;
    free(text);
    if (written && fflush(stdout) == 0)
        return export->search.failed ? TOOL_FAILED : TOOL_OK;
    return tool_fail("cannot write: %s", strerror(written ? errno : error));
}

static int export_always(struct tool_export *export, const char *address, const char *path, uint64_t every_ns)
{
    return path ? tool_export_to_file(export, path, every_ns) : tool_export_over_http(export, address);
}

static bool parse_count(const char *text, size_t *count)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *count = value;
    return errno == 0 && *end == '\0' && value <= MOST_NAMES;
}

int tool_export(int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'}, {"textfile", required_argument, NULL, 'f'},
        {"every", required_argument, NULL, 'e'},  {"once", no_argument, NULL, '1'},
        {"dir", required_argument, NULL, 'd'},    {"all-users", no_argument, NULL, 'A'},
        {"top", required_argument, NULL, 'n'},    {"tags", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct tool_export export = {0};
    const char *address = NULL, *path = NULL, *every = NULL;
    size_t threads = DEFAULT_NAMES, tags = DEFAULT_NAMES;
    uint64_t every_ns = UINT64_C(15000000000);
    bool once = false;
    for (int option; (option = getopt_long(argc, argv, "l:f:e:1d:An:t:h", options, NULL)) != -1;)
        switch (option) {
        case 'l':
            address = optarg;
            break;
        case 'f':
            path = optarg;
            break;
        case 'e':
            every = optarg;
            break;
        case '1':
            once = true;
            break;
        case 'd':
            export.search.directory = optarg;
            break;
        case 'A':
            export.search.all_users = true;
            break;
        case 'n':
        case 't':
            if (!parse_count(optarg, option == 'n' ? &threads : &tags))
                return tool_misused("'%s' is no number from 0 to %d", optarg, MOST_NAMES);
            break;
        case 'h':
            print_help();
            return TOOL_OK;
        default:
            return tool_bad_option();
        }
    if ((address != NULL) + (path != NULL) + once != 1)
        return tool_misused("give one of --listen, --textfile and --once");
    if (every && !path)
        return tool_misused("--every needs --textfile");
    if (every && !tool_parse_seconds(every, &every_ns))
        return tool_misused("'%s' is no time", every);
    if (export.search.directory && optind < argc)
        return tool_misused("give --dir, or a PID, NAME or FILE, not both");

    /* Prometheus reads UTF-8, and a label must not depend on the locale in which the exporter is started. */
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        setlocale(LC_CTYPE, "C");
    int result = TOOL_FAILED;
    if (tool_export_open(&export, threads, tags, argv + optind, argc - optind))
        result = once ? export_once(&export) : export_always(&export, address, path, every_ns);
    tool_export_close(&export);
    return result;
}
