/* SPDX-License-Identifier: BSD-3-Clause */
/* Opens the process that a command works on. */
#include "common/target.h"
#include "common/allocate.h"
#include "common/clock.h"
#include "common/find.h"
#include "common/messages.h"
#include "common/numbers.h"
#include "common/states.h"

#include <stdio.h>
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

/* The processes that run one program; only if there are none, those that crashed. */
struct named {
    const char *program;
    bool crashed; /* all that follows is of processes that crashed */
    size_t count;
    struct tm_reader *reader; /* of the first */
    struct {
        pid_t pid;
        const char *state;
    } first[20];
};

static bool is_named(const struct tm_reading *reading, const char *program)
{
    /* The file has the first 15 bytes of it. */
    return strncmp(reading->program, program, sizeof reading->program - 1) == 0;
}

static void keep_named(struct tm_reader *reader, void *arg)
{
    struct named *named = arg;
    const struct tm_reading *reading;
    int error = tm_reader_read(reader, &reading, NULL);
    tool_need_memory(error);
    bool wanted = error == 0 && !reading->ended && is_named(reading, named->program);
    bool crashed = wanted && !reading->live && !reading->unknown;
    if (wanted && !crashed && named->crashed) { /* the first that runs */
        tm_reader_close(named->reader);
        *named = (struct named){.program = named->program};
    }
    if (!wanted || (crashed && named->count > 0 && !named->crashed)) {
        tm_reader_close(reader);
        return;
    }
    named->crashed = crashed;
    if (named->count < sizeof named->first / sizeof named->first[0]) {
        named->first[named->count].pid = reading->pid;
        named->first[named->count].state = tool_state(reading);
    }
    if (named->count++ == 0)
        named->reader = reader;
    else
        tm_reader_close(reader);
}

static void say_which(const struct named *named)
{
    char pids[1024];
    size_t used = 0, shown = 0;
    for (; shown < named->count && shown < sizeof named->first / sizeof named->first[0]; shown++)
        used += (size_t)sprintf(pids + used, "%s%d, %s", shown ? "; " : "", (int)named->first[shown].pid,
                                named->first[shown].state);
    if (shown < named->count)
        sprintf(pids + used, "; and %zu more", named->count - shown);
    tool_warn("%zu processes are named %s; give the pid of one: %s", named->count, named->program, pids);
}

/* `why`: what was said when the name was tried as a file. */
static struct tm_reader *open_named(const char *program, bool all_users, const char *why)
{
    struct named named = {.program = program};
    struct tool_search search = {
        .all_users = all_users, .until_ns = tool_in(TOOL_PATIENCE), .visit = keep_named, .arg = &named};
    tool_each_process(&search);
    if (named.count == 1)
        return named.reader;
    tm_reader_close(named.reader);
    if (named.count > 1)
        say_which(&named);
    else
        tool_warn("no process%s named %s publishes its totals; %s", all_users ? "" : " of yours", program, why);
    return NULL;
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
    else if (error && *target && !strchr(target, '/'))
        return open_named(target, all_users, message);
    if (!reader)
        tool_warn("%s", message);
    return reader;
}
