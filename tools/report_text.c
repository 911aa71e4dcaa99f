/* SPDX-License-Identifier: BSD-3-Clause */
/* A recording's summary as text. */
#include "report.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const recording_end_names[RECORDING_ENDS] = {"cut", "ended", "stopped", "time over", "failed"};

static const char *const end_sentences[RECORDING_ENDS] = {
    "the recording has no end: it goes on, or was cut off",
    "until the process ended",
    "until it was stopped",
    "for as long as was asked for",
    "until the process could not be read any more",
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
            summary->reading_count, (double)summary_duration_ns(summary) / 1e9, (double)summary->info.every_ns / 1e9,
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

static void put_columns(FILE *out, const char *what, const char *tid, const char *state, const char *peak)
{
    fprintf(out, "\n%-16s %9s  %-7s %12s %10s %10s %11s %12s %16s %16s\n", what, tid, state, peak, "AT PEAK", "AT END",
            "ALLOCATED", "PER SECOND", "FREED BY OTHERS", "FREED OF OTHERS");
}

static void put_figures(FILE *out, const struct account *account, bool bound)
{
    char text[7][TOOL_BYTES], peak[TOOL_BYTES + 4];
    const struct tm_totals *totals = &account->totals;
    snprintf(peak, sizeof peak, "%s%s", bound ? "<= " : "", tool_format_bytes(text[0], totals->peak_bytes));
    fprintf(out, " %12s %10s %10s %11s %12s %16s %16s\n", peak, tool_format_bytes(text[1], account->at_peak),
            tool_format_bytes(text[2], account->at_end), tool_format_bytes(text[3], totals->allocated_bytes),
            tool_format_bytes(text[4], account_rate(account)),
            tool_format_bytes(text[5], totals->freed_by_others_bytes),
            tool_format_bytes(text[6], totals->freed_of_others_bytes));
}

static void put_left_out(FILE *out, size_t count, size_t shown)
{
    if (count > shown)
        fprintf(out, "(%zu more: --all)\n", count - shown);
}

static void put_threads(FILE *out, const struct summary *summary, const struct account **order, size_t shown)
{
    static const char *const states[] = {"live", "orphan", "shared", "shared"};
    char name[TOOL_FIT], tid[16];
    size_t count = 0;
    put_columns(out, "THREAD", "TID", "STATE", "PEAK");
    for (size_t i = 0; i < summary->threads.count; i++) {
        const struct account *account = order[i];
        if ((account->thread == 0 && tool_did_nothing(&account->totals)) || ++count > shown)
            continue;
        snprintf(tid, sizeof tid, "%d", (int)account->tid);
        fprintf(out, "%s %9s  %-7s", tool_fit(name, account_name(account), 16), account->thread ? tid : "",
                account->there ? states[account->state] : "gone");
        put_figures(out, account, false);
    }
    put_left_out(out, count, shown);
    const struct account total = {.totals = summary->process,
                                  .at_peak = summary->peak.live,
                                  .at_end = tm_live_bytes(&summary->process),
                                  .allocated_before = summary->first.allocated_bytes,
                                  .last_ns = summary_duration_ns(summary)};
    fprintf(out, "%-35s", "total");
    put_figures(out, &total, true);
    if (summary->retired.allocated_blocks > 0) {
        char bytes[TOOL_BYTES];
        fprintf(out,
                "%s of the total was allocated by threads that left nothing; who came and went between two "
                "readings has no row\n",
                tool_format_bytes(bytes, summary->retired.allocated_bytes));
    }
}

static void put_tags(FILE *out, const struct summary *summary, size_t shown)
{
    const struct account **order = accounts_by_peak(&summary->tags);
    char name[TOOL_FIT];
    put_columns(out, "TAG", "", "", "PEAK");
    for (size_t i = 0; i < summary->tags.count && i < shown; i++) {
        fputs(tool_fit(name, account_name(order[i]), 35), out);
        put_figures(out, order[i], true);
    }
    put_left_out(out, summary->tags.count, shown);
    free(order);
}

/* Of a thread in a reading, by tag: the columns' tags; then in none; then in all others. */
static void add_up(uint64_t live[TAGS_SHOWN + 2], const struct matrix *matrix, const struct account *thread,
                   const struct account **tags, size_t tag_count)
{
    for (size_t i = 0; i < matrix->count; i++) {
        const struct tm_slot *slot = &matrix->slots[i];
        size_t column = slot->tag == 0 ? TAGS_SHOWN : TAGS_SHOWN + 1;
        if (slot->thread != thread->thread || (thread->thread == 0 && slot->state != thread->state))
            continue;
        for (size_t k = 0; k < tag_count && slot->tag != 0; k++)
            if (tags[k]->tag == slot->tag)
                column = k;
        live[column] += tm_live_bytes(&slot->totals);
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
    fprintf(out, "\n%-16s %9s", "AT PEAK, BY TAG", "TID");
    for (size_t i = 0; i < columns; i++)
        fprintf(out, "  %s", tool_fit(text, account_name(tags[i]), -12));
    fprintf(out, "  %12s%s\n", "(none)", others ? "      (others)" : "");
    size_t owners = 0;
    while (owners < summary->threads.count && threads[owners]->at_peak > 0)
        owners++;
    for (size_t i = 0; i < owners && i < shown; i++) {
        uint64_t live[TAGS_SHOWN + 2] = {0};
        add_up(live, &summary->at_peak, threads[i], tags, columns);
        fprintf(out, "%s %9d", tool_fit(text, account_name(threads[i]), 16), (int)threads[i]->tid);
        for (size_t k = 0; k < columns; k++)
            fprintf(out, "  %12s", tool_format_bytes(text, live[k]));
        fprintf(out, "  %12s", tool_format_bytes(text, live[TAGS_SHOWN]));
        if (others)
            fprintf(out, "  %12s", tool_format_bytes(text, live[TAGS_SHOWN + 1]));
        fputc('\n', out);
    }
    put_left_out(out, owners, shown);
    free(threads);
    free(tags);
}

void report_print(FILE *out, const struct summary *summary, bool all)
{
    const struct account **threads = accounts_by_peak(&summary->threads);
    put_head(out, summary);
    put_threads(out, summary, threads, all ? SIZE_MAX : ROWS_SHOWN);
    if (summary->tags.count > 0) {
        put_tags(out, summary, all ? SIZE_MAX : ROWS_SHOWN);
        put_matrix(out, summary, all ? SIZE_MAX : ROWS_SHOWN);
    }
    if (summary->flow_on) {
        tool_print_flows(out, summary->flows, summary->flow_count, all ? SIZE_MAX : TOOL_FLOWS_SHOWN,
                         all ? "(others)" : "(others: --all)");
    }
    free(threads);
}
