/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: make_day SECONDS FILE; a recording of the first SECONDS of a day, with a reading each second, by the real
 * writer and a made-up clock. One thread lives all day, and one more each hour. The peak is in one reading only. The
 * wall clock is set back, forward, and to 1970.
 */
#include "common/messages.h"
#include "recording/recording.h"
#include "recording/recording_read.h"
#include "recording/recording_write.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEAK_AT = 50001, SECOND = 1000000000 };
#define NOON UINT64_C(1795000000000000000)

static uint64_t clock_at(uint64_t second)
{
    uint64_t time = NOON + second * SECOND, hour = UINT64_C(3600) * SECOND;
    return second < 20000   ? time
           : second < 40000 ? time - 2 * hour
           : second < 60000 ? time + 5 * hour
                            : second * SECOND;
}

static struct tm_totals all_day(uint64_t second)
{
    uint64_t live = 1000000 + (second == PEAK_AT ? 7777777 : second % 1000), allocated = 10000000 + second * 10000;
    return (struct tm_totals){.allocated_bytes = allocated,
                              .allocated_blocks = second + 100,
                              .freed_bytes = allocated - live,
                              .freed_blocks = second,
                              .peak_bytes = second < PEAK_AT ? 1000999 : 8777777};
}

static void add(struct tm_totals *sum, const struct tm_totals *totals)
{
    sum->allocated_bytes += totals->allocated_bytes;
    sum->allocated_blocks += totals->allocated_blocks;
    sum->freed_bytes += totals->freed_bytes;
    sum->freed_blocks += totals->freed_blocks;
}

int main(int argc, char **argv)
{
    const struct recording_info info = {
        .pid = 4242, .started_ns = NOON, .recorded_ns = NOON, .every_ns = SECOND, .program = "day"};
    const uint64_t seconds = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    int fd = argc == 3 ? open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
    struct recording_writer *writer = recording_begin(fd, &info);
    for (uint64_t second = 0; second < seconds; second++) {
        const uint64_t hour = second / 3600;
        struct tm_slot slots[2] = {
            {.slot = 2, .generation = 1, .thread = 1, .tid = 4242, .name = "all day", .totals = all_day(second)},
            {.slot = 3, .generation = (uint32_t)hour, .thread = 2 + hour, .tid = (pid_t)(5000 + hour)}};
        struct tm_thread_reading threads[2];
        struct tm_reading reading = {.time_ns = clock_at(second),
                                     .live = true,
                                     .slot_count = 2,
                                     .slots = slots,
                                     .thread_count = 2,
                                     .threads = threads};
        snprintf(slots[1].name, sizeof slots[1].name, "hour %d", (int)hour);
        slots[1].totals = (struct tm_totals){.allocated_bytes = 1000 * (1 + second % 3600),
                                             .allocated_blocks = 1 + second % 3600,
                                             .peak_bytes = 3600000};
        reading.retired = (struct tm_totals){.allocated_bytes = hour * 3600000,
                                             .allocated_blocks = hour * 3600,
                                             .freed_bytes = hour * 3600000,
                                             .freed_blocks = hour * 3600};
        reading.process = reading.retired;
        for (int i = 0; i < 2; i++) {
            slots[i].thread_peak_bytes = slots[i].totals.peak_bytes;
            threads[i] =
                (struct tm_thread_reading){.thread = slots[i].thread, .tid = slots[i].tid, .totals = slots[i].totals};
            memcpy(threads[i].name, slots[i].name, sizeof threads[i].name);
            add(&reading.process, &slots[i].totals);
        }
        if (recording_add(writer, &(struct recording_frame){.elapsed_ns = second * SECOND, .reading = reading}) != 0)
            return TOOL_FAILED;
    }
    return recording_finish(writer, RECORDING_STOPPED) == 0 && close(fd) == 0 ? TOOL_OK : TOOL_FAILED;
}
