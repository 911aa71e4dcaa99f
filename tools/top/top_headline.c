/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines above the table, as text: they describe a process, or all processes, as a whole. */
#include "top/top_headline.h"
#include "common/numbers.h"
#include "common/printable.h"
#include "common/totals.h"
#include "top/top_model.h"
#include "top/top_processes.h"
#include "top/top_text.h"
#include "top/top_watch.h"

#include <stdio.h>
#include <string.h>

enum { HEADER = 16 }; /* bytes before each block: threadmeter(7) */

static char *open_line(struct top_headline *headline)
{
    char *line = headline->lines[headline->count < TOP_LINES ? headline->count++ : TOP_LINES - 1];
    line[0] = '\0';
    return line;
}

/* Appends to the last line; if that has no room, to a new line, which is indented by two columns. */
static void add(struct top_headline *headline, int width, const char *piece)
{
    char *line = headline->lines[headline->count - 1];
    if (*line && tool_columns(line, TOP_LINE, NULL) + tool_columns(piece, TOP_LINE, NULL) > width) {
        line = open_line(headline);
        strcpy(line, "  ");
        piece += strspn(piece, " ,;");
    }
    strncat(line, piece, TOP_LINE - 1 - strlen(line));
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void add_rate(struct top_headline *headline, int width, uint64_t rate)
{
    char piece[TOP_LINE], bytes[TOOL_BYTES];
    if (rate == TOP_UNKNOWN)
        return;
    snprintf(piece, sizeof piece, "; allocates %s/s", tool_format_bytes(bytes, rate));
    add(headline, width, piece);
}

static void format_time(char text[32], uint64_t ns)
{
    uint64_t seconds = ns / 1000000000;
    unsigned days = (unsigned)(seconds / 86400), rest = (unsigned)(seconds % 86400);
    if (days)
        snprintf(text, 32, "%ud %u:%02u:%02u", days, rest / 3600, rest / 60 % 60, rest % 60);
    else
        snprintf(text, 32, "%u:%02u:%02u", rest / 3600, rest / 60 % 60, rest % 60);
}

void tool_top_explain(struct top_headline *headline, const struct tm_totals *totals, uint64_t resident_bytes, int width)
{
    char piece[TOP_LINE], one[TOOL_BYTES], other[TOOL_BYTES], count[32];
    uint64_t live = tm_live_bytes(totals), blocks = tm_live_blocks(totals), headers = HEADER * blocks;
    open_line(headline);
    if (resident_bytes < live + headers) {
        snprintf(piece, sizeof piece, "resident %s: less than what is live with its headers, by %s,",
                 tool_format_bytes(one, resident_bytes), tool_format_bytes(other, live + headers - resident_bytes));
        add(headline, width, piece);
        add(headline, width, " which were never touched or are swapped out");
        return;
    }
    snprintf(piece, sizeof piece, "resident %s = %s live", tool_format_bytes(one, resident_bytes),
             tool_format_bytes(other, live));
    add(headline, width, piece);
    snprintf(piece, sizeof piece, " + %s headers (%d bytes x %s)", tool_format_bytes(one, headers), HEADER,
             tool_top_grouped(count, blocks));
    add(headline, width, piece);
    snprintf(piece, sizeof piece, " + %s rounding, caches, code, stacks",
             tool_format_bytes(one, resident_bytes - live - headers));
    add(headline, width, piece);
}

/* With the same words as tool_print_cross_allocator_calls(), but only the counters that are not 0. */
static void add_cross_allocator_calls(struct top_headline *headline, const struct tm_cross_allocator_calls *calls,
                                      int width)
{
    char piece[TOP_LINE];
#define ADD(name, words, meaning)                                                                                      \
    if (calls->name > 0) {                                                                                             \
        snprintf(piece, sizeof piece, "; %llu " words, (unsigned long long)calls->name);                               \
        add(headline, width, piece);                                                                                   \
    }
    TM_CROSS_ALLOCATOR_CALLS(ADD)
#undef ADD
}

void tool_top_headline(struct top_headline *headline, const struct top_watch *watch, int width)
{
    char piece[TOP_LINE], text[32], bytes[TOOL_BYTES];
    const struct tm_totals *totals = &watch->total.totals;
    headline->count = 0;
    open_line(headline);
    if (!watch->read)
        return;
    snprintf(piece, sizeof piece, "%s, pid %d", watch->program, (int)watch->pid);
    add(headline, width, piece);
    if (watch->live) {
        format_time(text, watch->running_ns);
        snprintf(piece, sizeof piece, ", running %s", text);
        add(headline, width, piece);
    } else if (watch->unknown) {
        add(headline, width, ", which cannot be seen from here: it may run");
    } else {
        add(headline, width,
            strcmp(watch->state, "ended") == 0 ? ": ENDED; its last state" : ": CRASHED; its last state");
    }

    open_line(headline);
    snprintf(piece, sizeof piece, "live %s in %s block%s", tool_format_bytes(bytes, tm_live_bytes(totals)),
             tool_top_grouped(text, tm_live_blocks(totals)), plural(tm_live_blocks(totals)));
    add(headline, width, piece);
    snprintf(piece, sizeof piece, ", %zu thread%s", watch->thread_count, plural(watch->thread_count));
    add(headline, width, piece);
    if (watch->orphan_count) {
        snprintf(piece, sizeof piece, ", %zu orphan%s", watch->orphan_count, plural(watch->orphan_count));
        add(headline, width, piece);
    }
    if (watch->live || watch->unknown)
        add_rate(headline, width, watch->total.rate);
    uint64_t share = tool_top_share(totals);
    if (share != TOP_UNKNOWN) {
        snprintf(piece, sizeof piece, "; %llu%% freed by others", (unsigned long long)share);
        add(headline, width, piece);
    }
    add_cross_allocator_calls(headline, &watch->cross_allocator_calls, width);
    if (watch->live && watch->resident_bytes != TOP_UNKNOWN)
        tool_top_explain(headline, totals, watch->resident_bytes, width);
}

void tool_top_processes_headline(struct top_headline *headline, const struct top_processes *processes, int width)
{
    uint64_t count = 0, threads = 0, live = 0, resident = 0, rate = 0;
    bool rated = false;
    char piece[TOP_LINE], bytes[TOOL_BYTES];
    for (size_t i = 0; i < processes->list.count; i++) {
        const struct top_row *row = &processes->list.rows[i];
        if (row->group != TOP_CURRENT)
            continue;
        count++;
        threads += row->threads;
        tool_add_saturating(&live, tm_live_bytes(&row->totals));
        tool_add_saturating(&resident, row->resident_bytes == TOP_UNKNOWN ? 0 : row->resident_bytes);
        rated |= row->rate != TOP_UNKNOWN;
        tool_add_saturating(&rate, row->rate == TOP_UNKNOWN ? 0 : row->rate);
    }
    headline->count = 0;
    open_line(headline);
    if (processes->list.count == 0) {
        add(headline, width, "no process publishes its totals;");
        add(headline, width, " start one by 'threadmeter run', or with THREADMETER_PUBLISH");
        return;
    }
    snprintf(piece, sizeof piece, "%llu process%s, %llu thread%s", (unsigned long long)count, count == 1 ? "" : "es",
             (unsigned long long)threads, plural(threads));
    add(headline, width, piece);
    open_line(headline);
    snprintf(piece, sizeof piece, "live %s", tool_format_bytes(bytes, live));
    add(headline, width, piece);
    snprintf(piece, sizeof piece, ", resident %s", tool_format_bytes(bytes, resident));
    add(headline, width, piece);
    add_rate(headline, width, rated ? rate : TOP_UNKNOWN);
}
