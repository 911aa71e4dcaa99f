/* SPDX-License-Identifier: BSD-3-Clause */
/* For node_exporter's textfile collector: a file that is there whole, or not at all. */
#include "export.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool write_all(int file, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        text += written;
        size -= (size_t)written;
    }
    return true;
}

/* False with errno. The collector takes *.prom only, so never the file beside. */
static bool replace(const char *path, const char *beside, const char *text, size_t size)
{
    unlink(beside); /* of one that was killed */
    int file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0)
        return false;
    bool done = write_all(file, text, size) && fchmod(file, 0644) == 0;
    int error = errno;
    if (close(file) != 0 && done) {
        error = errno;
        done = false;
    }
    if (done && rename(beside, path) != 0) {
        error = errno;
        done = false;
    }
    if (!done)
        unlink(beside);
    errno = error;
    return done;
}

/* One message for as long as the same is wrong. */
static void tell(const char *path, int error, int *last)
{
    if (error && error != *last)
        tool_warn("cannot write %s: %s; trying again", path, strerror(error));
    else if (!error && *last)
        tool_warn("%s is written again", path);
    *last = error;
}

static void advance(struct timespec *time, uint64_t ns)
{
    ns += (uint64_t)time->tv_nsec;
    time->tv_sec += (time_t)(ns / 1000000000);
    time->tv_nsec = (long)(ns % 1000000000);
}

/* False if a signal came first. *next is when it was to be: if that is over, as after a suspend, now is. */
static bool wait_until(struct timespec *next, const sigset_t *signals)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t left = (next->tv_sec - now.tv_sec) * INT64_C(1000000000) + next->tv_nsec - now.tv_nsec;
    if (left < 0) {
        *next = now;
        left = 0;
    }
    struct timespec wait = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    return sigtimedwait(signals, NULL, &wait) < 0; /* a stop and continue end it early, which does no harm */
}

int tool_export_to_file(struct tool_export *export, const char *path, uint64_t every_ns)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.tmp", path) >= (int)sizeof beside)
        return tool_misused("PATH is too long");
    size_t length = strlen(path);
    if (length < 5 || strcmp(path + length - 5, ".prom") != 0)
        tool_warn("%s does not end in .prom: node_exporter will not read it", path);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);

    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    int last = 0;
    do {
        size_t size;
        char *text = tool_export_collect(export, &size);
        if (text)
            tell(path, replace(path, beside, text, size) ? 0 : errno, &last);
        free(text);
        advance(&next, every_ns);
    } while (wait_until(&next, &signals));
    unlink(path); /* or its figures would stay for ever */
    return TOOL_OK;
}
