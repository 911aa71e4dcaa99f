/* SPDX-License-Identifier: BSD-3-Clause */
/* threadmeter report: prints a recording in one of three forms. */
#include "report/report.h"
#include "common/json_writer.h"
#include "common/messages.h"
#include "recording/recording_read.h"
#include "report/report_json.h"
#include "report/report_page.h"
#include "report/report_text.h"
#include "report/summary.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_help(void)
{
    fputs("usage: threadmeter report [--all | --json | --html OUT] FILE\n"
          "\n"
          "Says what is in a recording of 'threadmeter record': the process's peak, each thread's peak, what\n"
          "it allocated and who freed it, tags if there are any. Of a recording that was cut off or is\n"
          "damaged, all up to there; then the exit status is 1.\n"
          "\n"
          "  -a, --all        all rows, where there are many\n"
          "  -j, --json       for machines\n"
          "      --html=OUT   writes a page with charts, complete in itself, to the file OUT\n"
          "  -h, --help\n",
          stdout);
}

static int write_page(const struct summary *summary, struct recording *recording, const char *path)
{
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    int result = TOOL_OK;
    if (!out || !report_write_page(out, summary, recording) || fflush(out) != 0)
        result = tool_fail("cannot write %s: %s", path, strerror(errno));
    if (out && out != stdout && fclose(out) != 0 && result == TOOL_OK)
        result = tool_fail("cannot write %s: %s", path, strerror(errno));
    return result;
}

/* Refuses to overwrite a recording: with two file names after --html, the first would become the page. */
static bool is_recording(const char *path)
{
    struct stat file;
    struct recording *recording = NULL;
    char message[RECORDING_MESSAGE];
    if (stat(path, &file) != 0 || !S_ISREG(file.st_mode))
        return false;
    int error = recording_open(path, &recording, message);
    recording_close(recording);
    return error == 0 || error == -EPROTONOSUPPORT;
}

int tool_report(int argc, char **argv)
{
    static const struct option options[] = {{"all", no_argument, NULL, 'a'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"html", required_argument, NULL, 'H'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    bool json = false, all = false;
    const char *page = NULL;
    for (int option; (option = getopt_long(argc, argv, "ajh", options, NULL)) != -1;)
        switch (option) {
        case 'a':
            all = true;
            break;
        case 'j':
            json = true;
            break;
        case 'H':
            page = optarg;
            break;
        case 'h':
            print_help();
            return TOOL_OK;
        default:
            return tool_bad_option();
        }
    if (argc - optind != 1)
        return tool_misused("one FILE");
    if (all + json + (page != NULL) > 1)
        return tool_misused("one of --all, --json and --html");
    if (page && !report_has_page())
        return tool_fail("this threadmeter was built without the page. scripts/lib/fetch-plot gets what it takes, and "
                         "'meson setup' is to be given its directory as -Dplot=DIR");
    if (page && is_recording(page))
        return tool_fail("%s is a recording, and not replaced by a page", page);

    struct recording *recording;
    struct summary summary;
    char message[RECORDING_MESSAGE];
    if (recording_open(argv[optind], &recording, message) != 0)
        return tool_fail("%s", message);
    int result = TOOL_OK;
    if (!summary_make(&summary, recording, argv[optind])) {
        result = TOOL_FAILED;
    } else {
        if (page) {
            result = write_page(&summary, recording, page);
        } else if (json) {
            report_put_json(&(struct tool_json){.out = stdout}, &summary);
        } else {
            report_print(stdout, &summary, all);
        }
        if (result == TOOL_OK && (fflush(stdout) != 0 || ferror(stdout)))
            result = tool_fail("cannot write: %s", strerror(errno));
        if (summary.rest.why) /* after the part of the recording that could be read */
            result = tool_fail("%s: %s, and what follows is lost: %llu bytes", argv[optind], summary.rest.why,
                               (unsigned long long)summary.rest.lost_bytes);
    }
    summary_free(&summary);
    recording_close(recording);
    return result;
}
