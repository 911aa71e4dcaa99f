/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_rows.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tm_totals totals(uint64_t allocated, uint64_t freed)
{
    return (struct tm_totals){.allocated_bytes = allocated,
                              .freed_bytes = freed,
                              .allocated_blocks = allocated / 10,
                              .freed_blocks = freed / 10,
                              .peak_bytes = allocated};
}

const struct top_row *row_of(const struct top_list *list, uint64_t id)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->rows[i].id == id)
            return &list->rows[i];
    ck_abort_msg("no row %u", (unsigned)id);
    return NULL;
}

const char *shown(const struct top_list *list)
{
    static char text[256];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < list->shown_count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, i ? " %u" : "%u",
                                 (unsigned)list->rows[list->shown[i]].id);
    return text;
}

struct tm_reading *make_reading(void)
{
    static struct tm_thread_reading threads[5];
    static struct tm_slot slots[6];
    static struct tm_tag_reading tags[2];
    static struct tm_reading reading;
    threads[0] = (struct tm_thread_reading){.thread = 1, .tid = 11, .name = "one", .totals = totals(3000, 1000)};
    threads[1] = (struct tm_thread_reading){.thread = 2, .tid = 12, .name = "t\033[2Jwo", .totals = totals(500, 0)};
    threads[2] = (struct tm_thread_reading){
        .thread = 3, .tid = 13, .state = TM_ORPHAN, .name = "three", .totals = totals(70, 10)};
    threads[3] = (struct tm_thread_reading){.state = TM_LATE, .totals = totals(40, 0)};
    threads[4] = (struct tm_thread_reading){.state = TM_OVERFLOW};
    slots[0] = (struct tm_slot){.state = TM_LATE, .totals = totals(40, 0)};
    slots[1] = (struct tm_slot){.slot = 1, .state = TM_OVERFLOW};
    slots[2] = (struct tm_slot){.slot = 2, .thread = 1, .tag = 7, .totals = totals(1200, 0)};
    slots[3] = (struct tm_slot){.slot = 3, .thread = 2, .totals = totals(500, 0)};
    slots[4] = (struct tm_slot){.slot = 4, .thread = 1, .totals = totals(1800, 1000)};
    slots[5] = (struct tm_slot){.slot = 5, .thread = 3, .tag = 8, .totals = totals(70, 10)};
    tags[0] = (struct tm_tag_reading){.tag = 7, .open = true, .name = "upload", .totals = totals(1200, 0)};
    tags[1] = (struct tm_tag_reading){.tag = 8, .limit_bytes = 4096, .name = "closed", .totals = totals(70, 10)};
    reading = (struct tm_reading){.time_ns = 3723 * (uint64_t)S,
                                  .started_ns = 0,
                                  .pid = 4242,
                                  .program = "made\nup",
                                  .process = totals(5000, 2400),
                                  .retired = totals(1390, 1390),
                                  .slot_count = 6,
                                  .slots = slots,
                                  .thread_count = 5,
                                  .threads = threads,
                                  .tag_count = 2,
                                  .tags = tags};
    return &reading;
}

int run_tests(const char *name, void (*add)(TCase *tcase))
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return EXIT_FAILURE;
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    add(tcase);
    return run_suite(suite);
}
