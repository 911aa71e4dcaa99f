/* SPDX-License-Identifier: BSD-3-Clause */
/* Takes readings of a process at regular times, and writes them to a recording, until one of the two ends. */
#include "record/record_loop.h"
#include "common/clock.h"
#include "common/messages.h"
#include "common/numbers.h"
#include "common/printable.h"
#include "common/stop.h"
#include "common/system.h"
#include "recording/recording.h"
#include "recording/recording_read.h"
#include "recording/recording_write.h"
#include "run/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MILLISECOND = 1000000 };

struct taking {
    struct record_loop *loop;
    struct tm_reader *reader;
    pid_t pid;
    struct recording_writer *writer;
    uint64_t begun;      /* when the recording began, by tool_clock() */
    uint64_t started_ns; /* when the process began to be metered */
    uint64_t elapsed;    /* time of the last reading, since `begun` */
    uint64_t shown;      /* when progress was printed last */
    uint64_t gone;       /* since when the recorded program gives no more readings; 0: it still does */
    char program[16];
    sigset_t stops;
    bool was_live;
    int result;
    enum recording_end failure; /* the reason for a failed end */
};

struct tm_reader *record_await(struct record_loop *loop)
{
    /* Short waits first, so that a short-lived program is not missed; then longer ones, to use little CPU time. */
    struct tm_reader *reader = NULL;
    for (uint64_t pause = MILLISECOND / 4; tm_reader_open_pid(loop->child->pid, &reader, NULL) != 0;) {
        if (loop->child_ended)
            return NULL;
        loop->child_ended = tool_wait(loop->child, pause);
        if (pause < loop->every_ns / 4)
            pause += pause / 16;
    }
    return reader;
}

/* True if recording must end: the child has ended, or a signal came. */
static bool wait_until(struct taking *taking, uint64_t when)
{
    struct record_loop *loop = taking->loop;
    bool stop;
    uint64_t now;
    do { /* both waits may return early */
        now = tool_clock();
        uint64_t ns = when > now ? when - now : 0;
        struct timespec timeout = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
        if (loop->child)
            stop = loop->child_ended = loop->child_ended || tool_wait(loop->child, ns);
        else
            stop = sigtimedwait(&taking->stops, NULL, &timeout) > 0;
        now = tool_clock();
    } while (!stop && now < when);
    return stop;
}

static void show_progress(struct taking *taking, uint64_t live, bool last)
{
    char size[TOOL_BYTES], bytes[TOOL_BYTES];
    uint64_t now = tool_clock();
    /* While a program runs, no progress is printed: the terminal belongs to the program. */
    if (taking->loop->quiet || taking->loop->child || !isatty(STDERR_FILENO))
        return;
    if (last)
        fputs("\r\033[K", stderr);
    else if (now - taking->shown >= 200 * MILLISECOND)
        fprintf(stderr, "\r\033[K%llu readings, %s; live %s; Ctrl-C ends", (unsigned long long)taking->loop->readings,
                tool_format_bytes(size, recording_size(taking->writer)), tool_format_bytes(bytes, live));
    else
        return;
    taking->shown = now;
    fflush(stderr);
}

/* A published file may contain any values; a recording with impossible ones would be rejected by its reader. */
static bool can_be_told(const struct tm_reading *reading)
{
    return reading->pid > 0 && reading->parent >= 0 && reading->started_ns <= INT64_MAX;
}

static void begin(struct taking *taking, const struct tm_reading *reading)
{
    struct recording_info info = {.pid = reading->pid,
                                  .parent = reading->parent,
                                  .started_ns = reading->started_ns,
                                  .recorded_ns = reading->time_ns,
                                  .every_ns = taking->loop->every_ns};
    /* Only now, when there is a reading. It fails for a pipe, which does not matter. */
    int emptied = ftruncate(taking->loop->fd, 0);
    (void)emptied;
    memcpy(info.program, reading->program, sizeof info.program);
    memcpy(taking->program, reading->program, sizeof taking->program);
    taking->writer = recording_begin(taking->loop->fd, &info);
    taking->started_ns = reading->started_ns;
    taking->begun = tool_clock();
    taking->elapsed = 0;
    taking->loop->readings = 0;
}

/* False if the recording ends here. */
static bool take(struct taking *taking)
{
    const struct tm_reading *reading;
    char message[TM_READER_MESSAGE];
    struct recording_frame frame = {0};
    if (tm_reader_read(taking->reader, &reading, message) != 0) {
        taking->result = tool_fail("%s", message);
        taking->failure = RECORDING_FAILED;
        return false;
    }
    if (!taking->writer && !can_be_told(reading)) {
        taking->result =
            tool_fail("%s is damaged: no process has such a number, or such a start", tm_reader_path(taking->reader));
        return false;
    }
    if (!taking->writer)
        begin(taking, reading);
    frame.reading = *reading;
    frame.elapsed_ns = taking->loop->readings == 0 ? 0 : tool_clock() - taking->begun;
    if (!reading->visible || !tool_process_memory(reading->pid, &frame.memory))
        frame.memory = (struct tool_memory){0};
    int error = recording_add(taking->writer, &frame);
    if (error == -EINVAL) {
        taking->result = tool_fail("%s is damaged: its totals make no sense", tm_reader_path(taking->reader));
        taking->failure = RECORDING_FAILED;
        return false;
    }
    if (error) {
        taking->result = tool_fail("cannot write %s: %s", taking->loop->path, strerror(-error));
        taking->failure = RECORDING_UNWRITTEN;
        return false;
    }
    taking->loop->readings++;
    taking->elapsed = frame.elapsed_ns;
    taking->was_live |= reading->live;
    if (!reading->live && !reading->unknown && taking->gone == 0)
        taking->gone = tool_clock();
    show_progress(taking, tm_live_bytes(&reading->process), false);
    return true;
}

/*
 * The program that was recorded is gone. True if the process is there, and is another program that publishes: that is
 * recorded from here on, in place of the first.
 */
static bool has_become_another(struct taking *taking)
{
    struct tm_reader *reader;
    const struct tm_reading *reading;
    /* A child of ours may exec after it was found and before it was read. */
    bool was_live = taking->was_live || taking->loop->child;
    if (!was_live || taking->loop->child_ended || tm_reader_open_pid(taking->pid, &reader, NULL) != 0)
        return false;
    if (tm_reader_read(reader, &reading, NULL) != 0 || !reading->live || reading->started_ns == taking->started_ns ||
        ftruncate(taking->loop->fd, 0) != 0 || lseek(taking->loop->fd, 0, SEEK_SET) != 0) {
        tm_reader_close(reader);
        return false;
    }
    char before[32], after[32];
    tool_printable(before, sizeof before, taking->program);
    tool_printable(after, sizeof after, reading->program);
    /* Shells and env exec the program at once. */
    if (!taking->loop->quiet && taking->elapsed > 1000 * (uint64_t)MILLISECOND)
        tool_warn("%s has become %s, which is recorded instead", before, after);
    tm_reader_close(taking->reader);
    recording_discard(taking->writer);
    taking->reader = reader;
    taking->writer = NULL;
    taking->loop->readings = 0;
    taking->gone = 0;
    return true;
}

static enum recording_end take_all(struct taking *taking)
{
    const uint64_t every = taking->loop->every_ns;
    enum { PATIENCE = 1000 }; /* ms in which a process has to publish again after exec */
    if (!take(taking))
        return taking->failure;
    for (uint64_t next = taking->begun + every;;) {
        bool over = taking->loop->for_ns <= next - taking->begun;
        uint64_t pause = taking->gone ? tool_clock() + 5 * MILLISECOND : next;
        bool stop = wait_until(taking, over ? taking->begun + taking->loop->for_ns : pause);
        if (taking->gone && !stop && !over) {
            if (has_become_another(taking)) {
                if (!take(taking))
                    return taking->failure;
                next = taking->begun + every;
            } else if (tool_clock() - taking->gone > (uint64_t)PATIENCE * MILLISECOND ||
                       (!taking->loop->child && kill(taking->pid, 0) != 0 && errno == ESRCH)) {
                return RECORDING_ENDED;
            }
            continue;
        }
        if (!taking->gone && !take(taking))
            return taking->failure;
        if (stop || over)
            return taking->gone || taking->loop->child_ended ? RECORDING_ENDED
                   : stop                                    ? RECORDING_STOPPED
                                                             : RECORDING_TIME_OVER;
        /* Readings whose time has passed are left out. */
        for (uint64_t now = tool_clock(); next <= now;)
            next += every;
    }
}

int record_until_end(struct record_loop *loop, struct tm_reader *reader, pid_t pid)
{
    struct taking taking = {.loop = loop, .reader = reader, .pid = pid, .result = TOOL_OK};
    sigset_t before;
    tool_block_stops(&taking.stops, &before);

    enum recording_end end = take_all(&taking);
    if (taking.writer && loop->readings == 0) {
        recording_discard(taking.writer);
    } else if (taking.writer) {
        show_progress(&taking, 0, true);
        uint64_t size = recording_size(taking.writer);
        int error = recording_finish(taking.writer, end);
        if (error && taking.result == TOOL_OK)
            taking.result = tool_fail("cannot write %s: %s", loop->path, strerror(-error));
        char program[32], bytes[TOOL_BYTES];
        tool_printable(program, sizeof program, taking.program);
        if (!loop->quiet)
            tool_warn("%llu readings of %s, pid %d, over %.1f s: %s, %s", (unsigned long long)loop->readings, program,
                      (int)pid, (double)taking.elapsed / 1e9, loop->path, tool_format_bytes(bytes, size));
    }
    tm_reader_close(taking.reader);
    if (!loop->child)
        sigprocmask(SIG_SETMASK, &before, NULL);
    return taking.result;
}
