/* SPDX-License-Identifier: BSD-3-Clause */
/* A reading as a table. The same columns as tm_report() writes. */
#include "tool.h"

#include <string.h>

static const char *const state_names[] = {"live", "orphan", "shared", "shared"};

enum { NAME_COLUMNS = 16, TAGS_SHOWN = 5 };

static void put_figures_and(FILE *out, const struct tm_totals *totals, bool peak_is_bound, const char *more)
{
    char live[TOOL_BYTES], bytes[TOOL_BYTES], peak[TOOL_BYTES + 4], allocated[TOOL_BYTES], by[TOOL_BYTES],
        of[TOOL_BYTES];
    snprintf(peak, sizeof peak, "%s%s", peak_is_bound ? "<= " : "", tool_format_bytes(bytes, totals->peak_bytes));
    fprintf(out, " %10s %8llu %12s %11s %16s %16s%s\n", tool_format_bytes(live, tm_live_bytes(totals)),
            (unsigned long long)tm_live_blocks(totals), peak, tool_format_bytes(allocated, totals->allocated_bytes),
            tool_format_bytes(by, totals->freed_by_others_bytes), tool_format_bytes(of, totals->freed_of_others_bytes),
            more);
}

static void put_figures(FILE *out, const struct tm_totals *totals, bool peak_is_bound)
{
    put_figures_and(out, totals, peak_is_bound, "");
}

static bool some_tag_has_a_limit(const struct tm_reading *reading)
{
    for (size_t i = 0; i < reading->tag_count; i++)
        if (reading->tags[i].limit_bytes != 0)
            return true;
    return false;
}

static void put_threads(FILE *out, const struct tm_reading *reading)
{
    fprintf(out, "%-16s %9s  %-7s %10s %8s %12s %11s %16s %16s\n", "THREAD", "TID", "STATE", "LIVE", "BLOCKS", "PEAK",
            "ALLOCATED", "FREED BY OTHERS", "FREED OF OTHERS");
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *thread = &reading->threads[i];
        bool shared = thread->thread == 0;
        if (shared && tool_did_nothing(&thread->totals))
            continue;
        char name[TOOL_FIT];
        tool_fit(name, shared ? thread->state == TM_LATE ? "(late)" : "(overflow)" : thread->name, 16);
        fprintf(out, "%s ", name);
        if (shared)
            fprintf(out, "%9s", "");
        else
            fprintf(out, "%9d", (int)thread->tid);
        fprintf(out, "  %-7s", state_names[thread->state]);
        put_figures(out, &thread->totals, false);
    }
    if (!tool_did_nothing(&reading->retired)) {
        fprintf(out, "%-35s", "(exited, nothing left)");
        put_figures(out, &reading->retired, true);
    }
    fprintf(out, "%-35s", "total");
    put_figures(out, &reading->process, true);
}

/* Which of the first columns a slot's tag is in; TAGS_SHOWN: in none, + 1: in one of the others. */
static size_t column_of(const struct tm_reading *reading, int32_t tag)
{
    if (tag == 0)
        return TAGS_SHOWN;
    for (size_t i = 0; i < reading->tag_count && i < TAGS_SHOWN; i++)
        if (reading->tags[i].tag == tag)
            return i;
    return TAGS_SHOWN + 1;
}

static void put_matrix(FILE *out, const struct tm_reading *reading)
{
    size_t shown = reading->tag_count < TAGS_SHOWN ? reading->tag_count : TAGS_SHOWN;
    bool others = reading->tag_count > TAGS_SHOWN;
    char text[TOOL_FIT];
    fprintf(out, "\n%-16s %9s", "LIVE, BY TAG", "TID");
    for (size_t i = 0; i < shown; i++)
        fprintf(out, "  %s", tool_fit(text, reading->tags[i].name, -12));
    fprintf(out, "  %12s%s\n", "(none)", others ? "      (others)" : "");
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *thread = &reading->threads[i];
        uint64_t live[TAGS_SHOWN + 2] = {0};
        if (thread->thread == 0)
            continue;
        for (size_t k = 0; k < reading->slot_count; k++)
            if (reading->slots[k].thread == thread->thread)
                live[column_of(reading, reading->slots[k].tag)] += tm_live_bytes(&reading->slots[k].totals);
        fprintf(out, "%s %9d", tool_fit(text, thread->name, 16), (int)thread->tid);
        for (size_t k = 0; k < shown; k++)
            fprintf(out, "  %12s", tool_format_bytes(text, live[k]));
        fprintf(out, "  %12s", tool_format_bytes(text, live[TAGS_SHOWN]));
        if (others)
            fprintf(out, "  %12s", tool_format_bytes(text, live[TAGS_SHOWN + 1]));
        fputc('\n', out);
    }
}

static void put_tags(FILE *out, const struct tm_reading *reading)
{
    fprintf(out, "\n%-35s %10s %8s %12s %11s %16s %16s%s\n", "TAG", "LIVE", "BLOCKS", "PEAK", "ALLOCATED",
            "FREED BY OTHERS", "FREED OF OTHERS", some_tag_has_a_limit(reading) ? "       LIMIT" : "");
    for (size_t i = 0; i < reading->tag_count; i++) {
        const struct tm_tag_reading *tag = &reading->tags[i];
        char name[TOOL_FIT], bytes[TOOL_BYTES], limit[TOOL_BYTES + 16] = "";
        if (tag->limit_bytes != 0)
            snprintf(limit, sizeof limit, "%12s", tool_format_bytes(bytes, tag->limit_bytes));
        fputs(tool_fit(name, tag->name, 35), out);
        put_figures_and(out, &tag->totals, true, limit);
    }
    put_matrix(out, reading);
}

void tool_print_flows(FILE *out, const struct tm_flow *flows, size_t count, size_t shown)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++)
        all += flows[i].bytes;
    fprintf(out, "\n%-16s %9s  %-16s %9s %12s %8s  SHARE\n", "OWNER", "TID", "FREED BY", "TID", "BYTES", "BLOCKS");
    for (size_t i = 0; i < count && i < shown; i++) {
        const struct tm_flow *flow = &flows[i];
        char owner[TOOL_FIT], freer[TOOL_FIT], bytes[TOOL_BYTES];
        fprintf(out, "%s %9d  %s %9d %12s %8llu %4.0f %%\n", tool_fit(owner, flow->owner_name, 16),
                (int)flow->owner_tid, tool_fit(freer, flow->freer_name, 16), (int)flow->freer_tid,
                tool_format_bytes(bytes, flow->bytes), (unsigned long long)flow->blocks,
                all ? 100.0 * (double)flow->bytes / (double)all : 0.0);
    }
}

void tool_print_reading(FILE *out, const struct tm_reading *reading)
{
    char program[32];
    fprintf(out, "threadmeter: %s, pid %d%s\n", tool_printable(program, sizeof program, reading->program),
            (int)reading->pid, reading->live ? "" : ", which has ended");
    put_threads(out, reading);
    if (reading->tag_count > 0)
        put_tags(out, reading);
    if (reading->flow_count > 0)
        tool_print_flows(out, reading->flows, reading->flow_count, TOOL_FLOWS_SHOWN);
    if (reading->flow_count > TOOL_FLOWS_SHOWN)
        fprintf(out, "(%zu more)\n", reading->flow_count - TOOL_FLOWS_SHOWN);
    const struct tm_crossings *crossings = &reading->crossings;
    bool apart = reading->tag_count > 0 || reading->flow_count > 0;
    fprintf(out, "%s%llu foreign frees, %llu foreign reallocs, %llu caught frees, %llu caught reallocs\n",
            apart ? "\n" : "", (unsigned long long)crossings->foreign_frees,
            (unsigned long long)crossings->foreign_reallocs, (unsigned long long)crossings->caught_frees,
            (unsigned long long)crossings->caught_reallocs);
}
