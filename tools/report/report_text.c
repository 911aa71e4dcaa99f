/* SPDX-License-Identifier: BSD-3-Clause */
/* A recording's summary as text. */
#include "report/report_text.h"
#include "common/allocate.h"
#include "common/numbers.h"
#include "common/printable.h"
#include "common/reading_table.h"
#include "common/states.h"
#include "common/totals.h"
#include "recording/recording.h"
#include "report/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const end_sentences[RECORDING_ENDS] = {
    "the recording has no end: it goes on, or was cut off",
    "until the process ended",
    "until it was stopped",
    "for as long as was asked for",
    "until the process could not be read any more",
    "until what was read could not be written any more",
};

enum { ROWS_SHOWN = 30, TAGS_SHOWN = 5, NAME = 32 };

static void put_head(FILE *out, const struct summary *summary)
{
    char name[NAME], began[32], bytes[TOOL_BYTES], rate[TOOL_BYTES];
    time_t seconds = (time_t)(summary->info.recorded_ns / 1000000000);
    struct tm broken;
    if (!localtime_r(&seconds, &broken) || strftime(began, sizeof began, "%Y-%m-%d %H:%M:%S", &broken) == 0)
        strcpy(began, "?");
    fprintf(out, "%s, pid %d, recorded %s: %zu readings over %.1f s, one every %g s, %s\n",
            tool_printable(name, sizeof name, summary->info.program), (int)summary->info.pid, began,
            summary->reading_count, (double)summary->last_ns / 1e9, (double)summary->info.every_ns / 1e9,
            end_sentences[summary->rest.end]);
    if (summary->rest.why)
        fprintf(out, "the last %llu bytes of the file are lost: %s\n", (unsigned long long)summary->rest.lost_bytes,
                summary->rest.why);
    fprintf(out, "\n%-10s %10s  at %.1f s, the highest of the readings\n", "peak",
            tool_format_bytes(bytes, summary->peak.live), (double)summary->peak.elapsed_ns / 1e9);
    fprintf(out, "%-10s %10s  in %llu blocks\n", "at end", tool_format_bytes(bytes, tm_live_bytes(&summary->process)),
            (unsigned long long)tm_live_blocks(&summary->process));
    fprintf(out, "%-10s %10s  in %llu blocks; %s a second while recorded\n", "allocated",
            tool_format_bytes(bytes, summary->process.allocated_bytes),
            (unsigned long long)summary->process.allocated_blocks, tool_format_bytes(rate, summary_rate(summary)));
    if (summary->resident_peak > 0)
        fprintf(out, "%-10s %10s  at most\n", "resident", tool_format_bytes(bytes, summary->resident_peak));
}

static void put_columns(FILE *out, const char *what, const char *tid, const char *state, const char *more)
{
    fprintf(out, "\n%-16s%9s  %-8s %12s %10s %10s %11s %12s %16s %16s%s\n", what, tid, state, "PEAK", "AT PEAK",
            "AT END", "ALLOCATED", "PER SECOND", "FREED BY OTHERS", "FREED OF OTHERS", more);
}

/* Behind it the limit, unless that is 0. */
static void put_figures(FILE *out, const struct account *account, bool bound)
{
    char text[8][TOOL_BYTES], peak[TOOL_BYTES + 4];
    const struct tm_totals *totals = &account->totals;
    snprintf(peak, sizeof peak, "%s%s", bound ? "<= " : "", tool_format_bytes(text[0], totals->peak_bytes));
    fprintf(out, " %12s %10s %10s %11s %12s %16s %16s", peak, tool_format_bytes(text[1], account->at_peak),
            tool_format_bytes(text[2], account->at_end), tool_format_bytes(text[3], totals->allocated_bytes),
            tool_format_bytes(text[4], account_rate(account)),
            tool_format_bytes(text[5], totals->remote_frees_received_bytes),
            tool_format_bytes(text[6], totals->remote_frees_made_bytes));
    if (account->limit_bytes != 0)
        fprintf(out, "%12s", tool_format_bytes(text[7], account->limit_bytes));
    fputc('\n', out);
}

static void put_sum(FILE *out, const char *label, const struct account *sum)
{
    char text[TOOL_FIT];
    fputs(tool_fit(text, label, 35), out);
    put_figures(out, sum, true);
}

/* The rows that are left out, as one. */
static void put_left_out(FILE *out, size_t count, const struct account *sum)
{
    char label[40];
    snprintf(label, sizeof label, "(%zu more: --all)", count);
    if (count > 0)
        put_sum(out, label, sum);
}

static void put_threads(FILE *out, const struct summary *summary, const struct account **order, size_t shown)
{
    struct account more = summary_sum(summary);
    char name[TOOL_FIT], tid[16];
    size_t count = 0;
    put_columns(out, "THREAD", "TID", "STATE", "");
    for (size_t i = 0; i < summary->threads.count; i++) {
        const struct account *account = order[i];
        if (account->thread == 0 && tool_did_nothing(&account->totals))
            continue;
        if (++count > shown) {
            account_add(&more, account);
            continue;
        }
        snprintf(tid, sizeof tid, "%d", (int)account->tid);
        fprintf(out, "%s%9s  %-8s", tool_fit(name, account_name(account), 16), account->thread ? tid : "-",
                account->there ? tool_slot_state(account->state) : "gone");
        put_figures(out, account, false);
    }
    put_left_out(out, count > shown ? count - shown : 0, &more);
    if (!tool_did_nothing(&summary->unseen.totals) || summary->unseen.totals.remote_frees_received_bytes > 0)
        put_sum(out, "(exited, between two readings)", &summary->unseen);
    const struct account total = {.totals = summary->process,
                                  .at_peak = summary->peak.live,
                                  .at_end = tm_live_bytes(&summary->process),
                                  .allocated_before = summary->first.allocated_bytes,
                                  .last_ns = summary->last_ns};
    put_sum(out, "total", &total);
}

/* As in dump, those in which anything was done, or which have a limit. False, and nothing, if there are none. */
static bool put_tags(FILE *out, const struct summary *summary, size_t shown)
{
    const struct account **order = accounts_by_peak(&summary->tags);
    struct account more = summary_sum(summary);
    char name[TOOL_FIT];
    size_t count = 0, limited = 0;
    for (size_t i = 0; i < summary->tags.count; i++)
        if (order[i]->limit_bytes != 0 || !tool_did_nothing(&order[i]->totals)) {
            limited += order[i]->limit_bytes != 0;
            order[count++] = order[i];
        }
    if (count > 0)
        put_columns(out, "TAG", "", "", limited ? "       LIMIT" : "");
    for (size_t i = 0; i < count; i++)
        if (i < shown) {
            fputs(tool_fit(name, account_name(order[i]), 35), out);
            put_figures(out, order[i], true);
        } else {
            account_add(&more, order[i]);
        }
    put_left_out(out, count > shown ? count - shown : 0, &more);
    free(order);
    return count > 0;
}

static int by_thread(const void *a, const void *b)
{
    const struct tm_slot *one = *(const struct tm_slot *const *)a, *other = *(const struct tm_slot *const *)b;
    return (one->thread > other->thread) - (one->thread < other->thread);
}

/* To be freed. */
static const struct tm_slot **slots_by_thread(const struct matrix *matrix)
{
    const struct tm_slot **slots = tool_allocate(matrix->count, sizeof(struct tm_slot *));
    for (size_t i = 0; i < matrix->count; i++)
        slots[i] = &matrix->slots[i];
    qsort(slots, matrix->count, sizeof *slots, by_thread);
    return slots;
}

/* The first that is not of a thread with a lower number. */
static size_t first_of(const struct tm_slot **slots, size_t count, uint64_t thread)
{
    size_t from = 0, to = count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (slots[middle]->thread < thread)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Of a thread in a reading, by tag: the columns' tags; then in none; then in all others. */
static void add_up(uint64_t live[TAGS_SHOWN + 2], const struct tm_slot **slots, size_t count, uint64_t thread,
                   const struct account **tags, size_t tag_count)
{
    for (size_t i = first_of(slots, count, thread); i < count && slots[i]->thread == thread; i++) {
        size_t column = slots[i]->tag == 0 ? TAGS_SHOWN : TAGS_SHOWN + 1;
        for (size_t k = 0; k < tag_count && slots[i]->tag != 0; k++)
            if (tags[k]->tag == slots[i]->tag)
                column = k;
        tool_add_saturating(&live[column], tm_live_bytes(&slots[i]->totals));
    }
}

static int by_at_peak(const void *a, const void *b)
{
    const struct account *one = *(const struct account *const *)a, *other = *(const struct account *const *)b;
    if (one->at_peak != other->at_peak)
        return one->at_peak > other->at_peak ? -1 : 1;
    return (one->key > other->key) - (one->key < other->key);
}

static void put_matrix(FILE *out, const struct summary *summary, size_t shown)
{
    const struct account **tags = accounts_by_peak(&summary->tags), **threads = accounts_by_peak(&summary->threads);
    qsort(threads, summary->threads.count, sizeof *threads, by_at_peak);
    size_t columns = summary->tags.count < TAGS_SHOWN ? summary->tags.count : TAGS_SHOWN;
    bool others = summary->tags.count > TAGS_SHOWN;
    char text[TOOL_FIT];
    fprintf(out, "\n%-16s%9s", "AT PEAK, BY TAG", "TID");
    for (size_t i = 0; i < columns; i++)
        fprintf(out, "  %s", tool_fit(text, account_name(tags[i]), -12));
    fprintf(out, "  %12s%s\n", "(none)", others ? "      (others)" : "");
    size_t owners = 0; /* the shared slots are in no tag */
    for (size_t i = 0; i < summary->threads.count; i++)
        if (threads[i]->thread != 0 && threads[i]->at_peak > 0)
            threads[owners++] = threads[i];
    const struct tm_slot **slots = slots_by_thread(&summary->at_peak);
    for (size_t i = 0; i < owners && i < shown; i++) {
        uint64_t live[TAGS_SHOWN + 2] = {0};
        add_up(live, slots, summary->at_peak.count, threads[i]->thread, tags, columns);
        fprintf(out, "%s%9d", tool_fit(text, account_name(threads[i]), 16), (int)threads[i]->tid);
        for (size_t k = 0; k < columns; k++)
            fprintf(out, "  %12s", tool_format_bytes(text, live[k]));
        fprintf(out, "  %12s", tool_format_bytes(text, live[TAGS_SHOWN]));
        if (others)
            fprintf(out, "  %12s", tool_format_bytes(text, live[TAGS_SHOWN + 1]));
        fputc('\n', out);
    }
    if (owners > shown)
        fprintf(out, "(%zu more: --all)\n", owners - shown);
    free(slots);
    free(threads);
    free(tags);
}

void report_print(FILE *out, const struct summary *summary, bool all)
{
    const struct account **threads = accounts_by_peak(&summary->threads);
    put_head(out, summary);
    put_threads(out, summary, threads, all ? SIZE_MAX : ROWS_SHOWN);
    if (put_tags(out, summary, all ? SIZE_MAX : ROWS_SHOWN))
        put_matrix(out, summary, all ? SIZE_MAX : ROWS_SHOWN);
    if (summary->flow_count > 0)
        tool_print_flows(out, summary->flows, summary->flow_count, all ? SIZE_MAX : TOOL_FLOWS_SHOWN,
                         all ? "(others)" : "(others: --all)");
    fputc('\n', out);
    tool_print_cross_allocator_calls(out, &summary->cross_allocator_calls);
    free(threads);
}
