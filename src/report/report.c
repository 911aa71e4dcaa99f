/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tm_report(): a table for people. It allocates nothing, so the number of rows is limited; one more row sums up the
 * rest.
 */
#define _GNU_SOURCE
#include "report/report_exited.h"
#include "report/report_flow.h"
#include "report/report_tags.h"
#include "api/totals.h"
#include "base/kernel.h"
#include "state/names.h"
#include "base/sums.h"
#include "report/report_rows.h"
#include "state/slot.h"
#include "state/tag_table.h"
#include "base/text.h"
#include "threadmeter/totals.h"

#include <errno.h>
#include <unistd.h>

enum { ROWS = 64 };

struct table {
    bool tagged;               /* a thread may have several slots */
    struct tm_slot rows[ROWS]; /* the largest, by live bytes */
    unsigned count;
    struct tm_slot shared[TM__SHARED_SLOTS];
    unsigned others; /* how many rows are summed up in `rest` */
    struct tm_totals rest;
    struct tm_totals total;
};

/*
 * A thread has one row, at the place of its first slot. Relaxed: a thread that attaches or exits just now may have two
 * rows or none; the total does not depend on that.
 */
static bool is_first_of_thread(const struct tm_slot *slot)
{
    for (uint32_t number = TM__SHARED_SLOTS; number < slot->slot; number++) {
        const struct tm__identity *identity = &tm__slot_at(number)->identity;
        if (tm__load(&identity->thread) == slot->thread &&
            tm__state_in(tm__load(&identity->generation_state)) != TM__FREE)
            return false;
    }
    return true;
}

static int collect(const struct tm_slot *slot, void *arg)
{
    struct table *table = arg;
    tm__add_row(&table->total, &slot->totals);
    if (slot->thread == 0) {
        table->shared[slot->slot] = *slot;
        return 0;
    }
    struct tm_slot thread;
    if (table->tagged) {
        if (!is_first_of_thread(slot))
            return 0;
        thread = *slot;
        thread.totals = (struct tm_totals){0};
        tm__add_slots_of_thread(slot->thread, &thread.totals);
        thread.totals.peak_bytes = slot->thread_peak_bytes;
        slot = &thread;
    }

    unsigned place = table->count;
    while (place > 0 && tm_live_bytes(&table->rows[place - 1].totals) < tm_live_bytes(&slot->totals))
        place--;
    if (table->count == ROWS) {
        tm__add_row(&table->rest, place == ROWS ? &slot->totals : &table->rows[ROWS - 1].totals);
        table->others++;
        if (place == ROWS)
            return 0;
        table->count--;
    }
    for (unsigned i = table->count++; i > place; i--)
        table->rows[i] = table->rows[i - 1];
    table->rows[place] = *slot;
    return 0;
}

static void put_slot(struct tm__text *text, const struct tm_slot *slot)
{
    bool shared = slot->state == TM_LATE || slot->state == TM_OVERFLOW;
    char string[24];
    struct tm__text tid = TM__TEXT(string, -1);
    if (shared)
        tm__put(&tid, "-");
    else
        tm__put_number(&tid, (uint64_t)slot->tid);

    tm__put_padded(text, shared ? "(shared)" : slot->name, -16);
    tm__put_padded(text, tm__string(&tid), 9);
    tm__put(text, "  ");
    tm__put_padded(text, tm_slot_state_name(slot->state), -8);
    tm__put_totals(text, &slot->totals, "");
    tm__put(text, "\n");
}

/* errors_reported counts no calls, so it is shown only if it is not 0. */
static void put_cross_allocator_calls(struct tm__text *text)
{
    struct tm_cross_allocator_calls calls;
    tm_process_cross_allocator_calls(&calls);
    const char *separator = "";
#define PUT(name, words, meaning)                                                                                      \
    if (calls.name != 0 || &calls.name != &calls.errors_reported) {                                                    \
        tm__put(text, separator);                                                                                      \
        tm__put_number(text, calls.name);                                                                              \
        tm__put(text, " " words);                                                                                      \
        separator = ", ";                                                                                              \
    }
    TM_CROSS_ALLOCATOR_CALLS(PUT)
#undef PUT
    tm__put(text, "\n");
}

int tm_report(int fd)
{
    int saved = errno;
    struct table table = {.tagged = tm__tags_have_slots()};
    struct tm_totals retired, process;
    tm_each_slot(collect, &table);
    tm_retired_totals(&retired);
    tm_process_totals(&process);
    tm__add_row(&table.total, &retired);
    table.total.peak_bytes = process.peak_bytes;

    char page[4096], program[256];
    tm__read_program_name(program, sizeof program);
    struct tm__text text = TM__TEXT(page, fd);
    tm__put(&text, "threadmeter: ");
    tm__put_padded(&text, program, 0);
    tm__put(&text, ", pid ");
    tm__put_number(&text, (uint64_t)tm__sys_getpid());
    tm__put(&text, "\n"
                   "THREAD                TID  STATE   ");
    tm__put_titles(&text, false);
    tm__put(&text, "\n");
    for (unsigned i = 0; i < table.count; i++)
        put_slot(&text, &table.rows[i]);
    if (table.others > 0) {
        char string[40];
        struct tm__text label = TM__TEXT(string, -1);
        tm__put(&label, "(");
        tm__put_number(&label, table.others);
        tm__put(&label, " more)");
        tm__put_sum(&text, tm__string(&label), &table.rest);
    }
    for (unsigned i = 0; i < TM__SHARED_SLOTS; i++)
        if (!tm__did_nothing(&table.shared[i].totals))
            put_slot(&text, &table.shared[i]);
    if (!tm__did_nothing(&retired))
        tm__put_sum(&text, "(exited)", &retired);
    tm__put_sum(&text, "total", &table.total);
    if (!tm__did_nothing(&retired))
        tm__put_exited(&text);
    bool tags = tm__put_tags(&text, table.rows, table.count), flow = tm__put_flow(&text);
    tm__put(&text, tags || flow || !tm__did_nothing(&retired) ? "\n" : "");
    put_cross_allocator_calls(&text);
    int result = tm__flush(&text);
    errno = saved;
    return result;
}
