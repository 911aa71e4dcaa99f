/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: scrape_many THREADS PROCESSES; two scrapes of a process with THREADS threads, each of which has a name and a
 * tag of its own, and so a series, as far as labels allow; and of PROCESSES processes with one thread and a name of
 * their own.
 */
#include "common/allocate.h"
#include "common/totals.h"
#include "export/metrics.h"
#include "export/metrics_text.h"

#include <stdlib.h>

static void name(char *text, size_t size, const char *kind, size_t number)
{
    snprintf(text, size, "%s%u", kind, (unsigned)(number % 100000));
}

/* Mixes the order, so that no sort finds it sorted already. */
static size_t shuffled(size_t i, size_t count)
{
    return i * 7919 % count; /* a prime */
}

static struct tm_reading make(const char *program, size_t count)
{
    struct tm_slot *slots = tool_allocate(count, sizeof *slots);
    struct tm_thread_reading *threads = tool_allocate(count, sizeof *threads);
    struct tm_tag_reading *tags = tool_allocate(count, sizeof *tags);
    struct tm_reading reading = {.live = true, .slots = slots, .threads = threads, .tags = tags};
    snprintf(reading.program, sizeof reading.program, "%s", program);
    reading.slot_count = reading.thread_count = reading.tag_count = count;
    for (size_t i = 0; i < count; i++) {
        struct tm_totals totals = {.allocated_bytes = i + 1, .allocated_blocks = 1, .peak_bytes = i + 1};
        size_t number = shuffled(i, count);
        slots[i] = (struct tm_slot){.slot = (uint32_t)i, .thread = i + 1, .tag = (int32_t)number + 1, .totals = totals};
        threads[i] = (struct tm_thread_reading){.thread = i + 1, .tid = (pid_t)i + 1, .totals = totals};
        tags[i] = (struct tm_tag_reading){.tag = (int32_t)number + 1, .open = true, .totals = totals};
        name(slots[i].name, sizeof slots[i].name, "thread", number);
        name(threads[i].name, sizeof threads[i].name, "thread", number);
        name(tags[i].name, sizeof tags[i].name, "tag", number);
        tool_totals_add(&reading.process, totals);
    }
    return reading;
}

static void free_reading(const struct tm_reading *reading)
{
    free((void *)(uintptr_t)reading->slots);
    free((void *)(uintptr_t)reading->threads);
    free((void *)(uintptr_t)reading->tags);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    size_t threads = strtoul(argv[1], NULL, 10), processes = strtoul(argv[2], NULL, 10);
    struct tool_metrics *metrics = tool_metrics_new(1000, 1000, true, (struct tool_moment){0});
    struct tm_reading large = make("large", threads), *small = tool_allocate(processes, sizeof *small);
    for (size_t i = 0; i < processes; i++) {
        char program[16];
        name(program, sizeof program, "small", shuffled(i, processes));
        small[i] = make(program, 1);
        small[i].uid = (uid_t)i;
    }
    for (int round = 0; round < 2; round++) {
        tool_metrics_begin(metrics, (struct tool_moment){0});
        struct tool_view view = {.reading = &large};
        tool_metrics_add(metrics, &view);
        for (size_t i = 0; i < processes; i++) {
            view = (struct tool_view){.inode = 1 + shuffled(i, processes), .reading = &small[i]};
            tool_metrics_add(metrics, &view);
        }
        tool_metrics_end(metrics);
        tool_metrics_write(metrics, stdout);
    }
    for (size_t i = 0; i < processes; i++)
        free_reading(&small[i]);
    free_reading(&large);
    free(small);
    tool_metrics_free(metrics);
    return 0;
}
