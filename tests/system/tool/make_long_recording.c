/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: make_long_recording THREADS TAGS NEW READINGS FILE [far]; a recording of a process with THREADS threads in
 * each reading. Between two readings, NEW of them exit and as many start. Each thread has one slot, and they use the
 * tags in turn, of which the first is no tag. With `far`, thread numbers differ only in their highest bits: no process
 * has such numbers, but an attacker could choose them to slow the report down.
 */
#include "common/allocate.h"
#include "common/messages.h"
#include "recording/recording.h"
#include "recording/recording_read.h"
#include "recording/recording_write.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sizes {
    size_t threads, tags, news, readings;
};

struct process {
    struct sizes sizes;
    uint64_t first;           /* the oldest live thread */
    struct tm_totals retired; /* of the threads before it */
    struct tm_thread_reading *threads;
    struct tm_slot *slots;
    struct tm_tag_reading *tags;
    bool far;
};

static void add(struct tm_totals *sum, struct tm_totals more)
{
    sum->allocated_bytes += more.allocated_bytes;
    sum->allocated_blocks += more.allocated_blocks;
    sum->freed_bytes += more.freed_bytes;
    sum->freed_blocks += more.freed_blocks;
    sum->peak_bytes += more.peak_bytes;
}

static struct tm_totals totals_of(uint64_t thread)
{
    return (struct tm_totals){
        .allocated_bytes = 1000 + thread, .allocated_blocks = 3, .freed_blocks = 1, .peak_bytes = 1000 + thread};
}

/* The oldest threads free all, and exit. */
static void retire_until(struct process *process, uint64_t thread)
{
    for (; process->first < thread; process->first++) {
        struct tm_totals totals = totals_of(process->first);
        totals.freed_bytes = totals.allocated_bytes;
        totals.freed_blocks = totals.allocated_blocks;
        add(&process->retired, totals);
    }
}

static void describe(const struct process *process, size_t place, uint64_t thread)
{
    const struct tm_totals totals = totals_of(thread);
    struct tm_thread_reading *row = &process->threads[place];
    size_t turn = thread % (process->sizes.tags + 1);
    uint64_t number = process->far ? (thread << 48) - 3 : thread;
    *row = (struct tm_thread_reading){.thread = number, .tid = (pid_t)thread, .state = TM_LIVE, .totals = totals};
    snprintf(row->name, sizeof row->name, "thread-%u", (unsigned)thread % 10000000);
    process->slots[place] = (struct tm_slot){.slot = (uint32_t)place + 2,
                                             .generation = 1,
                                             .thread = number,
                                             .tag = turn ? (int32_t)turn + 1 : 0,
                                             .tid = row->tid,
                                             .state = TM_LIVE,
                                             .totals = totals,
                                             .thread_peak_bytes = totals.peak_bytes};
    memcpy(process->slots[place].name, row->name, sizeof row->name);
    if (turn)
        add(&process->tags[turn - 1].totals, totals);
}

static struct recording_frame step(struct process *process, uint64_t number)
{
    const struct sizes *sizes = &process->sizes;
    retire_until(process, 1 + number * sizes->news);
    struct tm_reading reading = {.time_ns = UINT64_C(1795000001000000000) + number * 100000000,
                                 .live = true,
                                 .process = process->retired,
                                 .retired = process->retired,
                                 .slot_count = sizes->threads,
                                 .slots = process->slots,
                                 .thread_count = sizes->threads,
                                 .threads = process->threads,
                                 .tag_count = sizes->tags,
                                 .tags = process->tags};
    for (size_t i = 0; i < sizes->tags; i++) {
        process->tags[i] = (struct tm_tag_reading){.tag = (int32_t)i + 2, .open = true};
        snprintf(process->tags[i].name, sizeof process->tags[i].name, "tag-%u", (unsigned)i);
    }
    for (size_t i = 0; i < sizes->threads; i++) { /* the largest first */
        describe(process, i, process->first + sizes->threads - 1 - i);
        add(&reading.process, process->threads[i].totals);
    }
    return (struct recording_frame){.elapsed_ns = number * 100000000, .reading = reading};
}

int main(int argc, char **argv)
{
    if (argc != 6 && argc != 7)
        return TOOL_USAGE;
    size_t counts[4];
    for (int i = 0; i < 4; i++)
        counts[i] = strtoul(argv[i + 1], NULL, 10);
    struct process process = {.sizes = {counts[0], counts[1], counts[2], counts[3]},
                              .first = 1,
                              .threads = tool_allocate(counts[0], sizeof *process.threads),
                              .slots = tool_allocate(counts[0], sizeof *process.slots),
                              .tags = tool_allocate(counts[1], sizeof *process.tags),
                              .far = argc == 7};
    const struct recording_info info = {.pid = 4242,
                                        .started_ns = UINT64_C(1795000000000000000),
                                        .recorded_ns = UINT64_C(1795000001000000000),
                                        .every_ns = 100000000,
                                        .program = "long"};
    int fd = open(argv[5], O_WRONLY | O_CREAT | O_TRUNC, 0666);
    struct recording_writer *writer = recording_begin(fd, &info);
    for (size_t i = 0; i < process.sizes.readings; i++) {
        struct recording_frame frame = step(&process, i);
        if (recording_add(writer, &frame) != 0)
            return TOOL_FAILED;
    }
    free(process.threads);
    free(process.slots);
    free(process.tags);
    return recording_finish(writer, RECORDING_ENDED) == 0 && close(fd) == 0 ? TOOL_OK : TOOL_FAILED;
}
