/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For node_exporter's textfile collector: a reader finds the whole file or none, since it is written under another name
 * and then renamed. Only a regular file is ever replaced, and only a file that was written here is removed.
 */
#include "export/export_file.h"
#include "common/messages.h"
#include "common/stop.h"
#include "export/export.h"
#include "export/export_collect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct textfile {
    const char *path;
    char directory[PATH_MAX];
    const char *name; /* in the directory */

    /*
     * The file that was written last, and its directory; -1: none yet. The file stays open, so that no other file can
     * get its inode number.
     */
    int written, written_in;
};

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

/* Some file systems report only at close() that there was no room. A copy is closed, so the file stays open. */
static bool close_copy(int file)
{
    int copy = fcntl(file, F_DUPFD_CLOEXEC, 0);
    return copy >= 0 && close(copy) == 0;
}

/*
 * Removes the file, if it still has this name. Returns 0 if it is gone, or the name is another file's; else an errno
 * value.
 */
static int remove_if_ours(int directory, const char *name, int file)
{
    struct stat ours, found;
    bool is_ours = fstat(file, &ours) == 0 && fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
                   ours.st_dev == found.st_dev && ours.st_ino == found.st_ino;
    return is_ours && unlinkat(directory, name, 0) != 0 && errno != ENOENT ? errno : 0;
}

/*
 * Creates the temporary file. `temporary` gets its name, which no file had, and which the collector does not read,
 * since it does not end in .prom. Returns -1 with errno if that fails.
 */
static int create_temporary(int directory, const char *name, char temporary[NAME_MAX + 1])
{
    int file;
    do {
        unsigned random;
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return -1;
        if (snprintf(temporary, NAME_MAX + 1, "%s.%08x", name, random) > NAME_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        file = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    } while (file < 0 && errno == EEXIST);
    return file;
}

/* Returns why the file of this name must not be replaced; NULL: it may be, or there is none. */
static const char *objection_to(int directory, const char *name)
{
    struct stat found;
    if (fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG(found.st_mode))
        return NULL;
    return S_ISLNK(found.st_mode)   ? "it is a symbolic link, and only a regular file is replaced"
           : S_ISDIR(found.st_mode) ? "it is a directory, and only a regular file is replaced"
                                    : "it is a device, pipe or socket, and only a regular file is replaced";
}

/*
 * Writes the temporary file and renames it. There is no fsync(): after a crash of the machine the figures would be out
 * of date anyway. Returns NULL; or why it failed, and then nothing has changed.
 */
static const char *write_into(struct textfile *textfile, int directory, const char *text, size_t size)
{
    char temporary[NAME_MAX + 1];
    const char *why = NULL;
    int file = create_temporary(directory, textfile->name, temporary);
    if (file < 0)
        return strerror(errno);
    if (!write_all(file, text, size) || fchmod(file, 0644) != 0 || !close_copy(file))
        why = strerror(errno);
    if (!why)
        why = objection_to(directory, textfile->name);
    if (!why && renameat(directory, temporary, directory, textfile->name) != 0)
        why = strerror(errno);
    if (why) {
        remove_if_ours(directory, temporary, file);
        close(file);
        return why;
    }
    if (textfile->written >= 0) {
        close(textfile->written);
        close(textfile->written_in);
    }
    textfile->written = file;
    textfile->written_in = directory;
    return NULL;
}

/* Opens the directory anew each time, since its path may lead to another one now. */
static const char *replace(struct textfile *textfile, const char *text, size_t size)
{
    int directory = open(textfile->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return strerror(errno);
    const char *why = write_into(textfile, directory, text, size);
    if (why)
        close(directory);
    return why;
}

/* Prints a message only when the reason changes, not at each try. */
static void report_change(const char *path, const char *why, const char **last)
{
    if (why && (!*last || strcmp(why, *last) != 0))
        tool_warn("cannot write %s: %s; trying again", path, why);
    else if (!why && *last)
        tool_warn("%s is written again", path);
    *last = why;
}

static void advance(struct timespec *time, uint64_t ns)
{
    ns += (uint64_t)time->tv_nsec;
    time->tv_sec += (time_t)(ns / 1000000000);
    time->tv_nsec = (long)(ns % 1000000000);
}

/* False if a signal came first. If *next is in the past, as after a suspend, it becomes the current time. */
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
    return sigtimedwait(signals, NULL, &wait) < 0; /* it may end early, after SIGSTOP and SIGCONT: that does no harm */
}

/* Returns 0, or an exit code, with a message. The directory need not exist yet. */
static int begin(struct textfile *textfile, const char *path)
{
    size_t length = strlen(path);
    const char *slash = strrchr(path, '/');
    *textfile = (struct textfile){.path = path, .name = slash ? slash + 1 : path, .written = -1, .written_in = -1};
    if (length >= sizeof textfile->directory)
        return tool_misused("PATH is too long");
    if (!*textfile->name)
        return tool_misused("PATH must name a file");
    snprintf(textfile->directory, sizeof textfile->directory, "%.*s", slash ? (int)(textfile->name - path) : 1,
             slash ? path : ".");
    const char *why = objection_to(AT_FDCWD, path);
    if (why)
        return tool_fail("cannot write %s: %s", path, why);
    if (length < 5 || strcmp(path + length - 5, ".prom") != 0)
        tool_warn("%s does not end in .prom: node_exporter will not read it", path);
    return 0;
}

int tool_export_to_file(struct tool_export *export, const char *path, uint64_t every_ns)
{
    struct textfile textfile;
    sigset_t signals;
    int result = begin(&textfile, path);
    if (result != TOOL_OK)
        return result;
    tool_block_stops(&signals, NULL);
    tool_ignore_write_signals();

    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    const char *last = NULL;
    do {
        size_t size;
        char *text = tool_export_collect(export, &size);
        if (text)
            report_change(path, replace(&textfile, text, size), &last);
        free(text);
        advance(&next, every_ns);
    } while (wait_until(&next, &signals));
    if (textfile.written < 0)
        return TOOL_OK;
    /* Otherwise node_exporter would go on to publish the last figures. */
    int error = remove_if_ours(textfile.written_in, textfile.name, textfile.written);
    return error ? tool_fail("cannot remove %s: %s", path, strerror(error)) : TOOL_OK;
}
