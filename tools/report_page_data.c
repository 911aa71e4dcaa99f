/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of a recording is on its page. Where threads, tags and pairs are many, those are that a person looks for: the first
 * by any column, and as one row what the others make together, so that each table adds up. A page has no more to carry
 * than a browser opens in a moment, however many there were; report --json has them all. Knows nothing of how it is drawn.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = 125, MATRIX = 24 }; /* by each figure; rows and columns of a matrix, as in page.js */

/* ---- threads and tags ---- */

typedef uint64_t figure(const struct account *account);

static uint64_t peak(const struct account *account)
{
    return account->totals.peak_bytes;
}

static uint64_t at_peak(const struct account *account)
{
    return account->at_peak;
}

static uint64_t at_end(const struct account *account)
{
    return account->at_end;
}

static uint64_t live_blocks(const struct account *account)
{
    return account->there ? tm_live_blocks(&account->totals) : 0;
}

static uint64_t allocated(const struct account *account)
{
    return account->totals.allocated_bytes;
}

static uint64_t freed_by_others(const struct account *account)
{
    return account->totals.freed_by_others_bytes;
}

static uint64_t freed_of_others(const struct account *account)
{
    return account->totals.freed_of_others_bytes;
}

static figure *const figures[] = {peak,      at_peak,      at_end,          live_blocks,
                                  allocated, account_rate, freed_by_others, freed_of_others};
enum { FIGURES = sizeof figures / sizeof figures[0], ROWS = FIGURES * FIRST };

struct by_figure {
    figure *figure;
};

static int compare_accounts(const void *a, const void *b, void *by)
{
    const struct account *one = *(const struct account *const *)a, *other = *(const struct account *const *)b;
    uint64_t mine = ((struct by_figure *)by)->figure(one), its = ((struct by_figure *)by)->figure(other);
    if (mine != its)
        return mine > its ? -1 : 1;
    return (one->key > other->key) - (one->key < other->key);
}

static void sort(const struct account **order, size_t count, figure *figure)
{
    qsort_r(order, count, sizeof *order, compare_accounts, &(struct by_figure){figure});
}

/* Puts those that the page has before the others, in no order; how many they are. */
static size_t choose(const struct account **order, size_t count)
{
    if (count <= ROWS)
        return count;
    size_t chosen = 0;
    for (int i = 0; i < FIGURES; i++) {
        /* Of those that are not chosen yet: so there are as many of each figure, and some more. */
        sort(order + chosen, count - chosen, figures[i]);
        for (int k = 0; k < FIRST && figures[i](order[chosen]) > 0; k++)
            chosen++;
    }
    return chosen;
}

/* The rows that are not on the page, as one; null if there are none. Rates over different times are no sum. */
static json_t *left_to_json(const struct summary *summary, const struct account *const *left, size_t count)
{
    struct account sum = summary_sum(summary);
    uint64_t blocks = 0;
    for (size_t i = 0; i < count; i++) {
        account_add(&sum, left[i]);
        blocks += live_blocks(left[i]);
    }
    json_t *object = tool_json_totals(&sum.totals);
    json_object_set_new(object, "count", tool_json_number(count));
    json_object_set_new(object, "live_bytes", tool_json_number(sum.at_end));
    json_object_set_new(object, "live_blocks", tool_json_number(blocks));
    json_object_set_new(object, "at_peak_bytes", tool_json_number(sum.at_peak));
    if (count > 0)
        return object;
    json_decref(object);
    return json_null();
}

/* As in the text, tags in which anything was done, or which have a limit. */
static bool has_row(const struct account *account, bool is_thread)
{
    return is_thread ? report_has_row(account, true) : account->limit_bytes != 0 || !tool_did_nothing(&account->totals);
}

static void put_accounts(json_t *data, const struct summary *summary, const struct accounts *accounts, bool are_threads)
{
    const struct account **order = tool_allocate(accounts->count, sizeof(struct account *));
    size_t count = 0, live = 0;
    for (size_t i = 0; i < accounts->count; i++)
        if (has_row(&accounts->list[i], are_threads)) {
            order[count++] = &accounts->list[i];
            live += order[count - 1]->there && order[count - 1]->state == TM_LIVE;
        }
    size_t chosen = choose(order, count);
    sort(order, chosen, peak);
    json_t *array = json_array();
    for (size_t i = 0; i < chosen; i++)
        json_array_append_new(array, report_account_to_json(order[i], are_threads));
    json_object_set_new(data, are_threads ? "threads" : "tags", array);
    json_object_set_new(data, are_threads ? "threads_left" : "tags_left",
                        left_to_json(summary, order + chosen, count - chosen));
    if (are_threads) {
        json_object_set_new(data, "thread_count", tool_json_number(count));
        json_object_set_new(data, "live_thread_count", tool_json_number(live));
    }
    free(order);
}

/* ---- threads by tags ---- */

/* The largest MATRIX of them; how many there are. */
static size_t largest(const struct account *top[MATRIX], const struct accounts *accounts, figure *figure)
{
    const struct account **order = accounts_by_peak(accounts);
    size_t count = 0;
    sort(order, accounts->count, figure);
    for (size_t i = 0; i < accounts->count && count < MATRIX; i++)
        if (order[i]->thread != 0 || order[i]->tag != 0) /* what threads share has no tag */
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

static json_t *matrix_to_json(const struct summary *summary, const struct matrix *matrix, figure *figure)
{
    const struct account *threads[MATRIX], *tags[MATRIX];
    size_t thread_count = largest(threads, &summary->threads, figure),
           tag_count = largest(tags, &summary->tags, figure);
    json_t *array = json_array();
    for (size_t i = 0; i < matrix->count; i++) {
        const struct tm_slot *slot = &matrix->slots[i];
        if (report_has_cell(slot) && is_thread_among(slot->thread, threads, thread_count) &&
            is_tag_among(slot->tag, tags, tag_count))
            json_array_append_new(array, report_cell_to_json(slot));
    }
    return array;
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
            parties[side->count - 1].bytes += parties[i].bytes;
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

static void put_flows(json_t *data, const struct summary *summary)
{
    struct side owners = {.is_owner = true}, freers = {.is_owner = false};
    find_busiest(&owners, summary->flows, summary->flow_count);
    find_busiest(&freers, summary->flows, summary->flow_count);
    json_t *array = json_array();
    for (size_t i = 0; i < summary->flow_count; i++)
        if (is_busy(&owners, &summary->flows[i]) && is_busy(&freers, &summary->flows[i]))
            json_array_append_new(array, tool_json_flow(&summary->flows[i]));
    json_object_set_new(data, "flows", array);
    json_object_set_new(data, "flow_parties_left",
                        tool_json_number((owners.count > freers.count ? owners.count : freers.count) -
                                         (owners.top_count > freers.top_count ? owners.top_count : freers.top_count)));
}

json_t *report_page_to_json(const struct summary *summary, struct recording *recording)
{
    json_t *data = report_head_to_json(summary), *matrix = json_object();
    put_accounts(data, summary, &summary->threads, true);
    put_accounts(data, summary, &summary->tags, false);
    json_object_set_new(matrix, "at_peak", matrix_to_json(summary, &summary->at_peak, at_peak));
    json_object_set_new(matrix, "at_end", matrix_to_json(summary, &summary->at_end, at_end));
    json_object_set_new(data, "matrix", matrix);
    put_flows(data, summary);
    json_object_set_new(data, "series", report_series_to_json(summary, recording));
    return data;
}
