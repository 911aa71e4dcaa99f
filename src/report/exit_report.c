/* SPDX-License-Identifier: BSD-3-Clause */
/* THREADMETER_REPORT: a report when the program exits, for which the program need not be changed. */
#define _GNU_SOURCE
#include "report/exit_report.h"
#include "base/cancel.h"
#include "base/messages.h"
#include "base/options.h"
#include "base/text.h"
#include "threadmeter/totals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[PATH_MAX]; /* of a file; absolute, because daemons change their directory */
static int stream = -1;     /* or a copy of a standard stream: some programs close theirs before they exit */
static FILE *printed_to;    /* stdout, if the report goes there, too: what it still buffers must come first */
static struct stat stream_identity;

static void complain(int error)
{
    char line[PATH_MAX + 128];
    struct tm__text text = TM__TEXT(line, tm__fd_for_notice());
    tm__put(&text, "threadmeter: no report to ");
    tm__put(&text, path);
    tm__put(&text, ": ");
    const char *reason = strerrordesc_np(error);
    tm__put(&text, reason ? reason : "unknown error");
    tm__put(&text, "\n");
    tm__flush(&text);
}

static void remember_file(const char *name)
{
    size_t used = 0;
    if (name[0] != '/' && getcwd(path, sizeof path)) {
        used = strlen(path);
        path[used++] = '/';
    }
    if (strlen(name) >= sizeof path - used) {
        path[0] = '\0';
        strcpy(path, "a file whose name is too long");
        complain(ENAMETOOLONG);
        path[0] = '\0';
        return;
    }
    strcpy(path + used, name);
}

__attribute__((constructor(TM__OUTERMOST))) static void read_environment(void)
{
    int saved = errno;
    const char *value = secure_getenv("THREADMETER_REPORT");
    bool to_stderr = value && strcmp(value, "stderr") == 0, to_stdout = value && strcmp(value, "stdout") == 0;
    if (to_stderr || to_stdout) {
        enum { FIRST_NUMBER = 200 }; /* since some programs rely on the lowest numbers being free */
        int source = to_stderr ? STDERR_FILENO : STDOUT_FILENO;
        stream = fcntl(source, F_DUPFD_CLOEXEC, FIRST_NUMBER);
        if (stream < 0)
            stream = fcntl(source, F_DUPFD_CLOEXEC, 3);
        if (stream >= 0 && fstat(stream, &stream_identity) != 0)
            stream = -1;
        if (stream >= 0 && to_stdout)
            printed_to = stdout; /* the program may close it, but libc never frees it */
    } else if (value && *value) {
        remember_file(value);
    }
    errno = saved;
}

/* A program that closes all descriptors may have opened another file under this number since. */
static bool is_still_stream(void)
{
    struct stat now;
    return fstat(stream, &now) == 0 && now.st_dev == stream_identity.st_dev && now.st_ino == stream_identity.st_ino &&
           now.st_rdev == stream_identity.st_rdev;
}

static void report(void)
{
    if (stream >= 0) {
        if (is_still_stream())
            tm_report(stream);
    } else if (path[0]) {
        /* Appended, since each process of the program that exits writes a report. */
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666);
        int error = fd < 0 ? errno : -tm_report(fd);
        if (fd >= 0)
            close(fd);
        if (error)
            complain(error);
    }
}

/*
 * exit() will flush it, but only after us. As there, this does not wait: another thread may be in the midst of a write.
 */
static void flush_program_output(void)
{
    if (!printed_to || !is_still_stream() || ftrylockfile(printed_to) != 0)
        return;
    fflush(printed_to);
    funlockfile(printed_to);
}

void tm__report_at_exit(void)
{
    if (stream < 0 && !path[0])
        return;
    int cancellation = tm__suspend_cancellation();
    flush_program_output(); /* a write of the program's own, which may raise SIGPIPE as it would without us */
    report();
    tm__resume_cancellation(cancellation);
}
