/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chooses which part of a recording is on its page. If there are many threads, tags or pairs, the page has the first by
 * each column, and sums of the others, so that each table adds up: for threads one sum for each name, unless there are
 * too many names. So a browser opens the page quickly, however many threads there were; report --json has them all.
 * This file does not know how the data is drawn.
 */
#include "report/report_page_data.h"
#include "common/allocate.h"
#include "common/json_writer.h"
#include "common/reading_json.h"
#include "common/totals.h"
#include "report/report_json.h"
#include "report/report_series.h"
#include "report/summary.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST = 125,  /* by each figure */
    GROUPS = 100, /* of the others */
    MATRIX = 24   /* rows and columns of a matrix, as in page.js */
};

/* ---- threads and tags ---- */

static bool is_sortable(const struct tm__column *column)
{
    return column->page && column->unit != TM__LIMIT;
}

/* `by`: where in struct tm__figures. */
static uint64_t figure(const struct account *account, size_t by)
{
    const struct tm__figures figures = account_figures(account);
    return *(const uint64_t *)(const void *)((const char *)&figures + by);
}

struct weighed {
    const struct account *account;
    uint64_t figure;
};

static int compare_weighed(const void *a, const void *b)
{
    const struct weighed *one = a, *other = b;
    if (one->figure != other->figure)
        return one->figure > other->figure ? -1 : 1;
    return (one->account->key > other->account->key) - (one->account->key < other->account->key);
}

static void sort(const struct account **order, size_t count, size_t by)
{
    struct weighed *weighed = tool_allocate(count, sizeof *weighed);
    for (size_t i = 0; i < count; i++)
        weighed[i] = (struct weighed){order[i], figure(order[i], by)};
    if (count > 0)
        qsort(weighed, count, sizeof *weighed, compare_weighed);
    for (size_t i = 0; i < count; i++)
        order[i] = weighed[i].account;
    free(weighed);
}

/* Moves the rows that are on the page before the others, in no order. Returns how many are on the page. */
static size_t choose(const struct account **order, size_t count)
{
    size_t chosen = 0, columns = 0;
    for (int i = 0; i < TM__COLUMNS; i++)
        columns += is_sortable(&tm__columns[i]);
    if (count <= columns * FIRST)
        return count;
    for (int i = 0; i < TM__COLUMNS; i++) {
        if (!is_sortable(&tm__columns[i]))
            continue;
        /* Only rows that are not chosen yet are counted, so each figure gets its FIRST largest, if they are above 0. */
        sort(order + chosen, count - chosen, tm__columns[i].offset);
        for (int k = 0; k < FIRST && figure(order[chosen], tm__columns[i].offset) > 0; k++)
            chosen++;
    }
    return chosen;
}

/* A group of the rows that are not on the page. */
struct group {
    const struct account **members;
    size_t count;
};

/* The sum of such groups as one row; null if there are none. Rates over different times cannot be added. */
static void put_sum(struct tool_json *json, const char *key, const struct summary *summary, const struct group *groups,
                    size_t group_count, const char *name)
{
    struct account sum = summary_sum(summary);
    uint64_t blocks = 0, count = 0;
    if (group_count == 0) {
        tool_json_null(json, key);
        return;
    }
    for (size_t i = 0; i < group_count; i++)
        for (size_t k = 0; k < groups[i].count; k++, count++) {
            account_add(&sum, groups[i].members[k]);
            blocks += figure(groups[i].members[k], TM__FIGURE(live_blocks));
        }
    tool_json_open(json, key, '{');
    if (name)
        tool_json_text(json, "name", name);
    struct tm__figures figures = account_figures(&sum);
    figures.live_blocks = blocks;
    tool_json_put_figures(json, &figures);
    tool_json_number(json, "count", count);
    tool_json_number(json, "at_peak_bytes", sum.at_peak);
    tool_json_close(json, '}');
}

static int compare_names(const void *a, const void *b)
{
    const struct account *one = *(const struct account *const *)a, *other = *(const struct account *const *)b;
    return strcmp(account_name(one), account_name(other));
}

/* Of as many members the first by name: so they are in `members`. */
static int compare_groups(const void *a, const void *b)
{
    const struct group *one = a, *other = b;
    if (one->count != other->count)
        return one->count > other->count ? -1 : 1;
    return (one->members > other->members) - (one->members < other->members);
}

/* The threads that are not on the page: a row for each name that many have, and one for all other names. */
static void put_groups(struct tool_json *json, const struct summary *summary, const struct account **left, size_t count)
{
    struct group *groups = tool_allocate(count, sizeof *groups);
    size_t group_count = 0;
    if (count > 0)
        qsort(left, count, sizeof *left, compare_names);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || compare_names(&left[i - 1], &left[i]) != 0)
            groups[group_count++].members = &left[i];
        groups[group_count - 1].count++;
    }
    if (group_count > 0)
        qsort(groups, group_count, sizeof *groups, compare_groups);
    size_t shown = group_count < GROUPS ? group_count : GROUPS;
    tool_json_open(json, "thread_groups", '[');
    for (size_t i = 0; i < shown; i++)
        put_sum(json, NULL, summary, &groups[i], 1, account_name(groups[i].members[0]));
    tool_json_close(json, ']');
    put_sum(json, "threads_left", summary, groups + shown, group_count - shown, NULL);
    free(groups);
}

/* As in the text, tags in which anything was done, or which have a limit. */
static bool has_row(const struct account *account, bool is_thread)
{
    return is_thread ? report_has_row(account, true) : account->limit_bytes != 0 || !tm__did_nothing(&account->totals);
}

static void put_accounts(struct tool_json *json, const struct summary *summary, const struct accounts *accounts,
                         bool are_threads)
{
    const struct account **order = tool_allocate(accounts->count, sizeof(struct account *));
    size_t count = 0, live = 0;
    for (size_t i = 0; i < accounts->count; i++)
        if (has_row(&accounts->list[i], are_threads)) {
            order[count++] = &accounts->list[i];
            live += order[count - 1]->there && order[count - 1]->state == TM_LIVE;
        }
    size_t chosen = choose(order, count);
    sort(order, chosen, TM__FIGURE(totals.peak_bytes));
    tool_json_open(json, are_threads ? "threads" : "tags", '[');
    for (size_t i = 0; i < chosen; i++)
        report_put_account(json, order[i], are_threads);
    tool_json_close(json, ']');
    if (are_threads) {
        put_groups(json, summary, order + chosen, count - chosen);
        tool_json_number(json, "thread_count", count);
        tool_json_number(json, "live_thread_count", live);
    } else { /* each tag has a name of its own */
        const struct group left = {order + chosen, count - chosen};
        put_sum(json, "tags_left", summary, &left, left.count > 0, NULL);
    }
    free(order);
}

/* ---- threads by tags ---- */

/* Chooses the largest MATRIX of them. Returns how many there are. */
static size_t largest(const struct account *top[MATRIX], const struct accounts *accounts, size_t by)
{
    const struct account **order = accounts_by_peak(accounts);
    size_t count = 0;
    sort(order, accounts->count, by);
    for (size_t i = 0; i < accounts->count && count < MATRIX; i++)
        if (order[i]->thread != 0 || order[i]->tag != 0) /* shared slots have no tag */
            top[count++] = order[i];
    free(order);
    return count;
}

static bool is_thread_among(uint64_t thread, const struct account *const *top, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (top[i]->thread == thread)
            return true;
    return false;
}

static bool is_tag_among(int32_t tag, const struct account *const *top, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (top[i]->tag == tag)
            return true;
    return tag == 0;
}

static void put_matrix(struct tool_json *json, const char *name, const struct summary *summary,
                       const struct matrix *matrix, size_t by)
{
    const struct account *threads[MATRIX], *tags[MATRIX];
    size_t thread_count = largest(threads, &summary->threads, by), tag_count = largest(tags, &summary->tags, by);
    tool_json_open(json, name, '[');
    for (size_t i = 0; i < matrix->count; i++) {
        const struct tm_slot *slot = &matrix->slots[i];
        if (report_has_cell(slot) && is_thread_among(slot->thread, threads, thread_count) &&
            is_tag_among(slot->tag, tags, tag_count))
            report_put_cell(json, slot);
    }
    tool_json_close(json, ']');
}

/* ---- who frees whose blocks ---- */

/* All that one owner lost, or one freer freed: one of the flows stands for all that have the same. */
struct party {
    const struct tm_flow *flow;
    uint64_t bytes;
};

struct side {
    bool is_owner;
    struct party top[MATRIX];
    size_t top_count, count;
};

/* Who has no number has a name of its own. */
static int compare_parties(const struct tm_flow *a, const struct tm_flow *b, bool is_owner)
{
    uint64_t one = is_owner ? a->owner : a->freer, other = is_owner ? b->owner : b->freer;
    if (one != other)
        return one < other ? -1 : 1;
    return one != 0 ? 0 : strcmp(is_owner ? a->owner_name : a->freer_name, is_owner ? b->owner_name : b->freer_name);
}

static int by_party(const void *a, const void *b, void *side)
{
    return compare_parties(((const struct party *)a)->flow, ((const struct party *)b)->flow,
                           ((const struct side *)side)->is_owner);
}

static int by_bytes(const void *a, const void *b, void *side)
{
    const struct party *one = a, *other = b;
    return one->bytes != other->bytes ? (one->bytes > other->bytes ? -1 : 1) : by_party(a, b, side);
}

static void find_busiest(struct side *side, const struct tm_flow *flows, size_t count)
{
    struct party *parties = tool_allocate(count, sizeof *parties);
    for (size_t i = 0; i < count; i++)
        parties[i] = (struct party){&flows[i], flows[i].bytes};
    qsort_r(parties, count, sizeof *parties, by_party, side);
    for (size_t i = 0; i < count; i++)
        if (side->count > 0 && by_party(&parties[side->count - 1], &parties[i], side) == 0)
            tool_add_saturating(&parties[side->count - 1].bytes, parties[i].bytes);
        else
            parties[side->count++] = parties[i];
    qsort_r(parties, side->count, sizeof *parties, by_bytes, side);
    for (size_t i = 0; i < side->count && i < MATRIX; i++)
        side->top[side->top_count++] = parties[i];
    free(parties);
}

static bool is_busy(const struct side *side, const struct tm_flow *flow)
{
    for (size_t i = 0; i < side->top_count; i++)
        if (compare_parties(side->top[i].flow, flow, side->is_owner) == 0)
            return true;
    return false;
}

static void put_flows(struct tool_json *json, const struct summary *summary)
{
    struct side owners = {.is_owner = true}, freers = {.is_owner = false};
    find_busiest(&owners, summary->flows, summary->flow_count);
    find_busiest(&freers, summary->flows, summary->flow_count);
    tool_json_open(json, "flows", '[');
    for (size_t i = 0; i < summary->flow_count; i++)
        if (is_busy(&owners, &summary->flows[i]) && is_busy(&freers, &summary->flows[i]))
            tool_json_flow(json, &summary->flows[i]);
    tool_json_close(json, ']');
    tool_json_number(json, "flow_parties_left",
                     (owners.count > freers.count ? owners.count : freers.count) -
                         (owners.top_count > freers.top_count ? owners.top_count : freers.top_count));
}

/* The columns of its tables, as page.js has them. */
static void put_columns(struct tool_json *json)
{
    static const char *const kinds[] = {[TM__BYTES] = "bytes", [TM__PEAK] = "peak",       [TM__RATE] = "rate",
                                        [TM__COUNT] = "count", [TM__PERCENT] = "percent", [TM__LIMIT] = "limit"};
    tool_json_open(json, "columns", '[');
    for (const struct tm__column *column = tm__columns; column < tm__columns + TM__COLUMNS; column++) {
        if (!column->page)
            continue;
        tool_json_open(json, NULL, '{');
        tool_json_text(json, "title", column->page);
        tool_json_text(json, "key", column->key);
        tool_json_text(json, "kind", kinds[column->unit]);
        tool_json_text(json, "explained", column->explained ? column->explained : "");
        tool_json_close(json, '}');
    }
    tool_json_close(json, ']');
}

void report_put_page_data(struct tool_json *json, const struct summary *summary, struct recording *recording)
{
    tool_json_open(json, NULL, '{');
    report_put_head(json, summary);
    put_columns(json);
    report_put_unseen(json, &summary->unseen);
    tool_json_flag(json, "flow_on", summary->flow_on);
    put_accounts(json, summary, &summary->threads, true);
    put_accounts(json, summary, &summary->tags, false);
    tool_json_open(json, "matrix", '{');
    put_matrix(json, "at_peak", summary, &summary->at_peak, TM__FIGURE(at_peak_bytes));
    put_matrix(json, "at_end", summary, &summary->at_end, TM__FIGURE(live_bytes));
    tool_json_close(json, '}');
    put_flows(json, summary);
    report_put_series(json, summary, recording);
    tool_json_close(json, '}');
}
