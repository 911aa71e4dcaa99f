/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threadmeter run: this process becomes the program, after it has set LD_PRELOAD and the variables that the library
 * reads. No process stays between the caller and the program, so that the exit code, signals and the terminal's keys
 * work as if the program had been started directly.
 */
#include "run/run.h"
#include "common/allocate.h"
#include "common/directories.h"
#include "common/messages.h"
#include "common/numbers.h"
#include "run/preload.h"
#include "run/program.h"
#include "run/unseen.h"

#include <stdio.h>
#include <threadmeter/tags.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_help(void)
{
    fputs("usage: threadmeter run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
          "\n"
          "Runs a program that was not built with threadmeter, so that its heap memory is\n"
          "counted per thread, and published while it runs, for top, dump and export.\n"
          "Exit code, signals, input and output are the program's own.\n"
          "\n"
          "  -r, --report FILE      when a process of the program exits, append its table\n"
          "                         to FILE, which is emptied first; -: to stderr\n"
          "  -p, --publish DIR      publish in DIR; default: $THREADMETER_PUBLISH, or a\n"
          "                         directory of yours in $XDG_RUNTIME_DIR or /dev/shm\n"
          "      --no-publish       publish nothing\n"
          "  -f, --flow             record who frees whose blocks\n"
          "  -l, --limit TAG=BYTES  limit a tag; BYTES may end with K, M or G; repeatable\n"
          "  -g, --guard            find writes after the end of blocks\n"
          "      --on-error ACTION  after a misuse of memory: abort (default) or report\n"
          "  -q, --quiet            does not say what of the program cannot be counted\n"
          "  -h, --help\n"
          "\n"
          "The program's children are metered, too. The exit code is the program's;\n"
          "126: it cannot be run, 127: there is no such program, 2: wrong command line.\n"
          "\n"
          "Example: threadmeter run --report - -- xz -T2 -k FILE\n",
          stdout);
}

struct options {
    const char *report, *publish;
    bool no_publish, flow, guard, quiet;
    const char *on_error;
    char *limits;
};

/* The library accepts the same, but would only print a message about anything else, and run without the limit. */
static bool is_limit(const char *text)
{
    const char *value = strchr(text, '=');
    uint64_t bytes;
    return value && value > text && value - text <= TM_TAG_NAME_MAX && !strchr(text, ',') &&
           tool_parse_bytes(value + 1, &bytes);
}

/* The library would take the first limit of a tag, and ignore the second. */
static bool has_limit(const struct options *options, const char *limit)
{
    size_t length = strcspn(limit, "=") + 1;
    for (const char *entry = options->limits; entry; entry = strchr(entry, ',')) {
        entry += *entry == ',';
        if (strncmp(entry, limit, length) == 0)
            return true;
    }
    return false;
}

static void add_limit(struct options *options, const char *limit)
{
    size_t used = options->limits ? strlen(options->limits) : 0;
    options->limits = tool_resize(options->limits, used + strlen(limit) + 2, 1);
    sprintf(options->limits + used, "%s%s", used ? "," : "", limit);
}

/*
 * Empties the report file. `path` is absolute, since each process appends its report, and may have changed directory.
 */
static bool start_report(char path[PATH_MAX], const char *name)
{
    struct stat file;
    bool special = stat(name, &file) == 0 && !S_ISREG(file.st_mode) && !S_ISDIR(file.st_mode);
    if (!special) { /* opening a pipe would wait for its reader */
        int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
        if (fd < 0) {
            tool_warn("%s: %s", name, strerror(errno));
            return false;
        }
        close(fd);
    }
    if (realpath(name, path))
        return true;
    tool_warn("%s: %s", name, strerror(errno));
    return false;
}

static bool set(const char *name, const char *value)
{
    if (setenv(name, value, 1) == 0)
        return true;
    tool_warn("%s", strerror(errno));
    return false;
}

static bool set_environment(const struct options *options)
{
    char report[PATH_MAX] = "stderr", found[PATH_MAX];
    const char *directory = NULL /* none: publish nothing */, *inherited = NULL;
    if (options->report && strcmp(options->report, "-") != 0 && !start_report(report, options->report))
        return false;
    if (!options->publish && !options->no_publish)
        inherited = tool_directory_to_publish();
    if (options->publish || inherited) {
        if (!tool_find_directory(found, sizeof found, options->publish ? options->publish : inherited))
            return false;
        directory = found;
    } else if (!options->no_publish) {
        if (tool_find_directory(found, sizeof found, NULL))
            directory = found;
        else
            tool_warn("the program runs, but cannot be watched");
    }
    return tool_meter_programs(directory) && (!options->report || set("THREADMETER_REPORT", report)) &&
           (!options->flow || set("THREADMETER_FLOW", "1")) && (!options->guard || set("THREADMETER_GUARD", "1")) &&
           (!options->limits || set("THREADMETER_LIMIT", options->limits)) &&
           (!options->on_error || set("THREADMETER_ON_ERROR", options->on_error));
}

/* Returns the index of the program in argv; 0: only help was asked for. */
static int read_options(struct options *options, int argc, char **argv)
{
    enum { NO_PUBLISH = 256, ON_ERROR };
    static const struct option names[] = {
        {"report", required_argument, NULL, 'r'},
        {"publish", required_argument, NULL, 'p'},
        {"no-publish", no_argument, NULL, NO_PUBLISH},
        {"flow", no_argument, NULL, 'f'},
        {"limit", required_argument, NULL, 'l'},
        {"guard", no_argument, NULL, 'g'},
        {"on-error", required_argument, NULL, ON_ERROR},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    for (int option; (option = getopt_long(argc, argv, "+r:p:fl:gqh", names, NULL)) != -1;)
        switch (option) {
        case 'r':
            options->report = optarg;
            break;
        case 'p':
            options->publish = optarg;
            options->no_publish = false;
            break;
        case NO_PUBLISH:
            options->no_publish = true;
            options->publish = NULL;
            break;
        case 'f':
            options->flow = true;
            break;
        case 'l':
            if (!is_limit(optarg))
                exit(tool_misused("--limit takes TAG=BYTES, where BYTES may end with K, M or G, not '%s'", optarg));
            if (has_limit(options, optarg))
                exit(tool_misused("--limit %s: the tag has a limit already", optarg));
            add_limit(options, optarg);
            break;
        case 'g':
            options->guard = true;
            break;
        case ON_ERROR:
            if (strcmp(optarg, "abort") != 0 && strcmp(optarg, "report") != 0)
                exit(tool_misused("--on-error takes abort or report, not '%s'", optarg));
            options->on_error = optarg;
            break;
        case 'q':
            options->quiet = true;
            break;
        case 'h':
            print_help();
            return 0;
        default:
            exit(tool_bad_option());
        }
    return optind;
}

int tool_run(int argc, char **argv)
{
    struct options options = {0};
    int first = read_options(&options, argc, argv);
    if (first == 0)
        return TOOL_OK;
    char **program_argv = argv + first;
    if (!program_argv[0])
        return tool_misused("which program?");
    struct tool_program program;
    int code = tool_find_program(&program, program_argv[0]);
    if (code)
        return code;
    if (program.privileged)
        tool_warn("%s runs with privileges of its own, so it is not metered", program.path);
    else if (!set_environment(&options))
        return TOOL_FAILED;
    if (!options.quiet)
        tool_tell_unseen(&program);
    return tool_become(&program, program_argv);
}
