/* SPDX-License-Identifier: BSD-3-Clause */
/* A reading as a table: the same rows, columns and words as tm_report() writes (src/report/report.c). */
#include "common/reading_table.h"
#include "common/allocate.h"
#include "common/numbers.h"
#include "common/printable.h"
#include "common/states.h"
#include "common/totals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char figures[] = "       LIVE   BLOCKS         PEAK   ALLOCATED  FREED BY OTHERS  FREED OF OTHERS";

enum { TAGS_SHOWN = 5 };

/* Behind it the limit, unless that is 0. */
static void put_figures(FILE *out, const struct tm_totals *totals, bool peak_is_bound, uint64_t limit)
{
    char text[6][TOOL_BYTES], peak[TOOL_BYTES + 4];
    snprintf(peak, sizeof peak, "%s%s", peak_is_bound ? "<= " : "", tool_format_bytes(text[0], totals->peak_bytes));
    fprintf(out, "%11s%9llu%13s%12s%17s%17s", tool_format_bytes(text[1], tm_live_bytes(totals)),
            (unsigned long long)tm_live_blocks(totals), peak, tool_format_bytes(text[2], totals->allocated_bytes),
            tool_format_bytes(text[3], totals->remote_frees_received_bytes),
            tool_format_bytes(text[4], totals->remote_frees_made_bytes));
    if (limit != 0)
        fprintf(out, "%12s", tool_format_bytes(text[5], limit));
    fputc('\n', out);
}

static void put_sum(FILE *out, const char *label, const struct tm_totals *totals, uint64_t limit)
{
    char text[TOOL_FIT];
    fputs(tool_fit(text, label, 35), out);
    put_figures(out, totals, true, limit);
}

static void put_threads(FILE *out, const struct tm_reading *reading, const struct tm_totals *left_out)
{
    fprintf(out, "THREAD                TID  STATE   %s\n", figures);
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *thread = &reading->threads[i];
        bool shared = thread->thread == 0;
        char name[TOOL_FIT], tid[16];
        if (shared && tool_did_nothing(&thread->totals))
            continue;
        snprintf(tid, sizeof tid, "%d", (int)thread->tid);
        fprintf(out, "%s%9s  %-8s", tool_fit(name, shared ? "(shared)" : thread->name, 16), shared ? "-" : tid,
                tool_slot_state(thread->state));
        put_figures(out, &thread->totals, false, 0);
    }
    if (left_out)
        put_sum(out, "(others)", left_out, 0);
    if (!tool_did_nothing(&reading->retired))
        put_sum(out, "(exited, nothing left)", &reading->retired, 0);
    put_sum(out, "total", &reading->process, 0);
}

/* Tags that have a row; the largest first. */
struct shown_tags {
    const struct tm_tag_reading **tags;
    size_t count;
};

/* Which of the first columns a slot's tag is in; TAGS_SHOWN: in none, + 1: in one of the others. */
static size_t column_of(const struct shown_tags *shown, int32_t tag)
{
    if (tag == 0)
        return TAGS_SHOWN;
    for (size_t i = 0; i < shown->count && i < TAGS_SHOWN; i++)
        if (shown->tags[i]->tag == tag)
            return i;
    return TAGS_SHOWN + 1;
}

/* What a thread owns in each of the columns. */
struct matrix_row {
    const struct tm_thread_reading *thread;
    uint64_t live[TAGS_SHOWN + 2];
};

static int by_thread(const void *a, const void *b)
{
    const struct matrix_row *const *one = a, *const *other = b;
    uint64_t left = (*one)->thread->thread, right = (*other)->thread->thread;
    return (left > right) - (left < right);
}

/* Looks for each slot's thread, of which there may be a hundred thousand, in `sorted`. */
static void add_slots(const struct tm_reading *reading, const struct shown_tags *shown, struct matrix_row **sorted,
                      size_t count)
{
    for (size_t i = 0; i < reading->slot_count; i++) {
        const struct tm_slot *slot = &reading->slots[i];
        const struct tm_thread_reading thread = {.thread = slot->thread};
        const struct matrix_row wanted = {.thread = &thread}, *key = &wanted;
        struct matrix_row **found = bsearch(&key, sorted, count, sizeof *sorted, by_thread);
        if (found)
            tool_add_saturating(&(*found)->live[column_of(shown, slot->tag)], tm_live_bytes(&slot->totals));
    }
}

/* In the threads' order; to be freed. */
static struct matrix_row *make_matrix(const struct tm_reading *reading, const struct shown_tags *shown, size_t *count)
{
    struct matrix_row *rows = tool_allocate(reading->thread_count, sizeof *rows);
    struct matrix_row **sorted = tool_allocate(reading->thread_count, sizeof *sorted);
    *count = 0;
    for (size_t i = 0; i < reading->thread_count; i++)
        if (reading->threads[i].thread != 0) {
            rows[*count].thread = &reading->threads[i];
            sorted[*count] = &rows[*count];
            ++*count;
        }
    qsort(sorted, *count, sizeof *sorted, by_thread);
    add_slots(reading, shown, sorted, *count);
    free(sorted);
    return rows;
}

static void put_matrix(FILE *out, const struct tm_reading *reading, const struct shown_tags *shown)
{
    size_t columns = shown->count < TAGS_SHOWN ? shown->count : TAGS_SHOWN, count;
    bool others = shown->count > TAGS_SHOWN;
    struct matrix_row *rows = make_matrix(reading, shown, &count);
    char text[TOOL_FIT];
    fputs("\nLIVE, BY TAG          TID", out);
    for (size_t i = 0; i < columns; i++)
        fprintf(out, "  %s", tool_fit(text, shown->tags[i]->name, -12));
    fprintf(out, "  %12s%s\n", "(none)", others ? "      (others)" : "");
    for (size_t i = 0; i < count; i++) {
        const struct matrix_row *row = &rows[i];
        fprintf(out, "%s%9d", tool_fit(text, row->thread->name, 16), (int)row->thread->tid);
        for (size_t k = 0; k < columns; k++)
            fprintf(out, "  %12s", tool_format_bytes(text, row->live[k]));
        fprintf(out, "  %12s", tool_format_bytes(text, row->live[TAGS_SHOWN]));
        if (others)
            fprintf(out, "  %12s", tool_format_bytes(text, row->live[TAGS_SHOWN + 1]));
        fputc('\n', out);
    }
    free(rows);
}

/* False, and nothing, if there are none in which anything was done, or which have a limit. */
static bool put_tags(FILE *out, const struct tm_reading *reading)
{
    struct shown_tags shown = {.tags = tool_allocate(reading->tag_count, sizeof *shown.tags)};
    bool limited = false;
    for (size_t i = 0; i < reading->tag_count; i++)
        if (reading->tags[i].limit_bytes != 0 || !tool_did_nothing(&reading->tags[i].totals)) {
            shown.tags[shown.count++] = &reading->tags[i];
            limited |= reading->tags[i].limit_bytes != 0;
        }
    if (shown.count > 0) {
        fprintf(out, "\n%-35s%s%s\n", "TAG", figures, limited ? "       LIMIT" : "");
        for (size_t i = 0; i < shown.count; i++)
            put_sum(out, shown.tags[i]->name, &shown.tags[i]->totals, shown.tags[i]->limit_bytes);
        put_matrix(out, reading, &shown);
    }
    free(shown.tags);
    return shown.count > 0;
}

static void put_flow_figures(FILE *out, uint64_t bytes, uint64_t blocks, uint64_t all)
{
    char text[TOOL_BYTES];
    fprintf(out, "%11s%9llu%5.0f %%\n", tool_format_bytes(text, bytes), (unsigned long long)blocks,
            all ? 100.0 * (double)bytes / (double)all : 0.0);
}

static void put_party(FILE *out, const char *name, pid_t tid)
{
    char fit[TOOL_FIT], number[16] = "-";
    if (tid != 0)
        snprintf(number, sizeof number, "%d", (int)tid);
    fprintf(out, "%s%9s  ", tool_fit(fit, name, 16), number);
}

void tool_print_flows(FILE *out, const struct tm_flow *flows, size_t count, size_t shown, const char *others)
{
    struct tm_flow more = {0};
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++)
        tool_add_saturating(&all, flows[i].bytes);
    fputs("\nOWNER                 TID  FREED BY              TID        BYTES   BLOCKS  SHARE\n", out);
    for (size_t i = 0; i < count; i++) {
        const struct tm_flow *flow = &flows[i];
        if (i < shown && strcmp(flow->owner_name, "(others)") != 0) {
            put_party(out, flow->owner_name, flow->owner_tid);
            put_party(out, flow->freer_name, flow->freer_tid);
            put_flow_figures(out, flow->bytes, flow->blocks, all);
        } else {
            tool_add_saturating(&more.bytes, flow->bytes);
            tool_add_saturating(&more.blocks, flow->blocks);
        }
    }
    if (more.blocks > 0) {
        fprintf(out, "%-54s", others);
        put_flow_figures(out, more.bytes, more.blocks, all);
    }
}

void tool_print_cross_allocator_calls(FILE *out, const struct tm_cross_allocator_calls *cross_allocator_calls)
{
    fprintf(out, "%llu foreign frees, %llu foreign reallocs, %llu intercepted frees, %llu intercepted reallocs",
            (unsigned long long)cross_allocator_calls->foreign_frees,
            (unsigned long long)cross_allocator_calls->foreign_reallocs,
            (unsigned long long)cross_allocator_calls->intercepted_frees,
            (unsigned long long)cross_allocator_calls->intercepted_reallocs);
    if (cross_allocator_calls->errors_reported > 0)
        fprintf(out, ", %llu errors reported", (unsigned long long)cross_allocator_calls->errors_reported);
    fputc('\n', out);
}

void tool_print_reading(FILE *out, const struct tm_reading *reading, const struct tm_totals *left_out)
{
    char program[32];
    fprintf(out, "threadmeter: %s, pid %d%s\n", tool_printable(program, sizeof program, reading->program),
            (int)reading->pid,
            reading->live      ? ""
            : reading->ended   ? ", which has ended"
            : reading->unknown ? ", which cannot be seen from here: it may run"
                               : ", which crashed");
    put_threads(out, reading, left_out);
    bool apart = put_tags(out, reading) | (reading->flow_count > 0);
    if (reading->flow_count > 0)
        tool_print_flows(out, reading->flows, reading->flow_count, TOOL_FLOWS_SHOWN, "(others)");
    fputs(apart ? "\n" : "", out);
    tool_print_cross_allocator_calls(out, &reading->cross_allocator_calls);
}
