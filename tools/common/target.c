/* SPDX-License-Identifier: BSD-3-Clause */
/* Opens the process that a command works on. */
#include "common/target.h"
#include "common/allocate.h"
#include "common/clock.h"
#include "common/find.h"
#include "common/messages.h"
#include "common/numbers.h"

#include <stdlib.h>
#include <string.h>

struct only {
    struct tm_reader *reader;
    size_t count;
};

static void keep_only(struct tm_reader *reader, void *arg)
{
    struct only *only = arg;
    if (only->count++ == 0)
        only->reader = reader;
    else
        tm_reader_close(reader);
}

static struct tm_reader *open_only(bool all_users)
{
    struct only only = {0};
    struct tool_search search = {
        .all_users = all_users, .until_ns = tool_in(TOOL_PATIENCE), .visit = keep_only, .arg = &only};
    tool_each_process(&search);
    if (only.count == 1)
        return only.reader;
    tm_reader_close(only.reader);
    if (only.count > 1)
        tool_warn("which process? 'threadmeter list' shows them");
    else if (search.others > 0)
        tool_warn("no process of yours publishes its totals; 'threadmeter list --all-users' shows those of others");
    else
        tool_warn("no process publishes its totals; start one by 'threadmeter run', or with THREADMETER_PUBLISH");
    return NULL;
}

/*
 * Finds a pid by the published files: of a process that has crashed, and so left its file, and of a process that /proc
 * does not show.
 */
struct dead {
    pid_t pid;
    struct tm_reader *reader;
    uint64_t started_ns; /* of the latest process, since a pid is used again */
};

static void keep_dead(struct tm_reader *reader, void *arg)
{
    struct dead *dead = arg;
    const struct tm_reading *reading;
    int error = tm_reader_read(reader, &reading, NULL);
    tool_need_memory(error);
    if (error == 0 && reading->pid == dead->pid && !reading->visible && reading->started_ns >= dead->started_ns) {
        tm_reader_close(dead->reader);
        dead->reader = reader;
        dead->started_ns = reading->started_ns;
    } else {
        tm_reader_close(reader);
    }
}

/* A file may contain any pid, whoever wrote it. So other users' files are searched only if the caller asks for them. */
static struct tm_reader *open_dead(pid_t pid, bool all_users)
{
    struct dead dead = {.pid = pid};
    struct tool_search search = {
        .all_users = all_users, .until_ns = tool_in(TOOL_PATIENCE), .visit = keep_dead, .arg = &dead};
    tool_each_process(&search);
    return dead.reader;
}

struct tm_reader *tool_open(const char *target, bool all_users)
{
    char message[TM_READER_MESSAGE];
    struct tm_reader *reader = NULL;
    if (!target)
        return open_only(all_users);
    pid_t pid;
    if (!tool_parse_pid(target, &pid))
        exit(tool_misused("'%s' is no number of a process; a file of this name is './%s'", target, target));
    int error = pid ? tm_reader_open_pid(pid, &reader, message) : tm_reader_open(target, &reader, message);
    tool_need_memory(error);
    if (error && pid)
        reader = open_dead(pid, all_users);
    if (!reader)
        tool_warn("%s", message);
    return reader;
}
