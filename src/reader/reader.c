/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threadmeter/reader.h. Combines what the file says (rows.h, threads.h) with what the kernel says: about the file's
 * lock (liveness.h), about the process that has it mapped (mappings.h), and about that process's threads
 * (live_names.h).
 */
#include "threadmeter/reader.h"
#include "reader/liveness.h"
#include "reader/live_names.h"
#include "reader/mappings.h"
#include "reader/message.h"
#include "reader/regular.h"
#include "reader/rows.h"
#include "reader/threads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct tm_reader {
    struct tm__source source;
    pid_t pid; /* in the reader's pid namespace, if /proc shows the process */
    int maps;  /* its /proc/PID/maps, open; -1 if /proc does not show it */
    struct tm__rows rows;
    struct tm_thread_reading *threads;
    size_t thread_capacity;
    struct tm__names names;
    struct tm_reading reading;
};

/* Opens the file. Does not yet look for the process that publishes it. */
static int start(struct tm_reader **reader, int fd, const char *path, char message[TM_READER_MESSAGE])
{
    struct tm_reader *new_reader = calloc(1, sizeof *new_reader);
    if (!new_reader) {
        close(fd);
        return tm__no_memory(message);
    }
    int error = tm__open_source(fd, path, &new_reader->source, message);
    if (error) {
        free(new_reader);
        return error;
    }
    new_reader->pid = new_reader->source.publisher.pid;
    new_reader->maps = -1;
    *reader = new_reader;
    return 0;
}

static enum tm__liveness ask_lock(const struct tm_reader *reader)
{
    return tm__ask_lock(reader->source.fd, reader->source.locked);
}

/*
 * False if there is no memory. This may search all of /proc, so it is not done for processes that have ended, whose
 * files may be many.
 */
static bool find_process(struct tm_reader *reader)
{
    if (ask_lock(reader) == TM__HAS_ENDED)
        return true;
    pid_t pid = tm__find_process(&reader->source.publisher, reader->source.fd, &reader->maps);
    if (pid > 0)
        reader->pid = pid;
    return pid >= 0;
}

static void say_why_not(const char *path, int error, char message[TM_READER_MESSAGE])
{
    struct stat file;
    struct passwd entry, *owner = NULL;
    char room[1024];
    if (error == EINVAL) {
        tm__say(message, "%s is no file", path);
        return;
    }
    if (error == EACCES && stat(path, &file) == 0 && file.st_uid != geteuid())
        getpwuid_r(file.st_uid, &entry, room, sizeof room, &owner);
    if (owner)
        tm__say(message, "cannot open %s: %s (it is %s's)", path, strerror(error), owner->pw_name);
    else
        tm__say(message, "cannot open %s: %s", path, strerror(error));
}

int tm_reader_open(const char *path, struct tm_reader **reader, char message[TM_READER_MESSAGE])
{
    struct stat file;
    int found = tm__find_regular(AT_FDCWD, path, 0, &file);
    int fd = found >= 0 ? tm__open_found(found, AT_FDCWD, path) : -1;
    if (fd < 0) {
        int error = errno;
        say_why_not(path, error, message);
        return -error;
    }
    return tm_reader_open_fd(fd, path, reader, message);
}

int tm_reader_open_fd(int fd, const char *path, struct tm_reader **reader, char message[TM_READER_MESSAGE])
{
    int error = start(reader, fd, path, message);
    if (error || find_process(*reader))
        return error;
    tm_reader_close(*reader);
    return tm__no_memory(message);
}

struct opening {
    pid_t pid;
    struct tm__publisher publisher;
    struct tm_reader *reader;
    char *message;
    int error;
};

/* Skips the parent's file, which a child of vfork has mapped, and for a moment also one of fork. */
static bool open_found(int fd, int maps, const char *path, void *arg)
{
    struct opening *opening = arg;
    struct tm_reader *found = NULL;
    int error = start(&found, fd, path, opening->message);
    if (error) {
        opening->error = error;
        if (maps >= 0)
            close(maps);
        return false;
    }
    found->pid = opening->pid;
    found->maps = maps;
    const struct tm__publisher *publisher = &found->source.publisher;
    if (publisher->pid != opening->publisher.pid ||
        !tm__ticks_agree(publisher->start_ticks, opening->publisher.start_ticks)) {
        tm_reader_close(found);
        return false;
    }
    opening->reader = found;
    return true;
}

int tm_reader_open_pid(pid_t pid, struct tm_reader **reader, char message[TM_READER_MESSAGE])
{
    pid_t process = tm__process_of(pid); /* `pid` may be a thread's tid, which /proc knows, too */
    if (process != 0)
        pid = process;
    struct opening opening = {
        .pid = pid, .publisher = tm__describe_publisher(pid), .message = message, .error = -ENOENT};
    char path[PATH_MAX + 32] = "";
    tm__say(message, "process %d publishes nothing; was it started by 'threadmeter run', or with THREADMETER_PUBLISH?",
            (int)pid);
    int error = tm__each_mapped(pid, &opening.publisher, open_found, &opening, path, sizeof path);
    if (opening.reader) {
        *reader = opening.reader;
        return 0;
    }
    if (error == 0)
        return opening.error;
    if (error == -ESRCH)
        tm__say(message, "there is no process %d", (int)pid);
    else if (path[0])
        say_why_not(path, -error, message);
    else
        tm__say(message, "cannot look at process %d: %s", (int)pid, strerror(-error));
    return error;
}

void tm_reader_close(struct tm_reader *reader)
{
    if (!reader)
        return;
    if (reader->maps >= 0)
        close(reader->maps);
    tm__close_source(&reader->source);
    tm__free_rows(&reader->rows);
    free(reader->threads);
    tm__free_names(&reader->names);
    free(reader);
}

const char *tm_reader_path(const struct tm_reader *reader)
{
    return reader->source.path;
}

void tm_reader_file(const struct tm_reader *reader, dev_t *device, ino_t *inode)
{
    *device = reader->source.device;
    *inode = reader->source.inode;
}

uid_t tm_reader_owner(const struct tm_reader *reader)
{
    return reader->source.uid;
}

/* ---- a reading ---- */

struct state {
    bool live, dead; /* neither: it is not known */
    bool visible;
};

/*
 * A process that /proc once showed has ended when /proc shows it no more. If /proc never showed it, that proves
 * nothing.
 */
static struct state find_state(const struct tm_reader *reader)
{
    bool visible = tm__is_alive(reader->maps);
    enum tm__liveness lock = ask_lock(reader);
    return (struct state){.live = visible || lock == TM__LIVES,
                          .dead = !visible &&
                                  (lock == TM__HAS_ENDED || (lock == TM__LIVENESS_UNKNOWN && reader->maps >= 0)),
                          .visible = visible};
}

int tm_reader_read(struct tm_reader *reader, const struct tm_reading **reading, char message[TM_READER_MESSAGE])
{
    const struct tm__source *source = &reader->source;
    struct tm_reading *result = &reader->reading;
    /* Before the rows are read: if the process has ended by now, they are final. */
    struct state state = find_state(reader);
    int error = tm__read_rows(source, &reader->rows, message);
    if (error)
        return error;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (state.visible)
        tm__give_names(&reader->names, reader->pid, &reader->rows);
    if (!tm__sum_threads(&reader->rows, &reader->threads, &reader->thread_capacity, &result->thread_count))
        return tm__no_memory(message);
    const struct tm__rows *rows = &reader->rows;
    *result = (struct tm_reading){.time_ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec,
                                  .started_ns = source->started_ns,
                                  .pid = reader->pid,
                                  .parent = source->parent,
                                  .uid = source->uid,
                                  .live = state.live,
                                  .ended = !state.live && rows->ended,
                                  .unknown = !state.live && !state.dead && !rows->ended,
                                  .visible = state.visible,
                                  .flow_on = rows->flow_on,
                                  .process = rows->process,
                                  .retired = rows->retired,
                                  .cross_allocator_calls = rows->cross_allocator_calls,
                                  .slot_count = rows->slot_count,
                                  .slots = rows->slots,
                                  .thread_count = result->thread_count,
                                  .threads = reader->threads,
                                  .tag_count = rows->tag_count,
                                  .tags = rows->tags,
                                  .flow_count = rows->flow_count,
                                  .flows = rows->flows,
                                  .retired_row_count = rows->retired_row_count,
                                  .retired_rows = rows->retired_rows};
    memcpy(result->program, source->program, sizeof result->program);
    *reading = result;
    return 0;
}

int tm_reader_each(const char *directory, int (*visit)(const char *path, void *arg), void *arg)
{
    DIR *files = opendir(directory);
    if (!files)
        return -errno;
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(files));) {
        size_t length = strlen(entry->d_name);
        char path[PATH_MAX];
        if (length <= 3 || strcmp(entry->d_name + length - 3, ".tm") != 0 ||
            snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >= (int)sizeof path)
            continue;
        result = visit(path, arg);
    }
    closedir(files);
    return result;
}
