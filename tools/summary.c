/* SPDX-License-Identifier: BSD-3-Clause */
#include "summary.h"

#include <stdlib.h>
#include <string.h>

/* ---- accounts ---- */

/* The two shared slots are no threads with a number; thread numbers begin with 1. */
static uint64_t thread_key(uint64_t thread, enum tm_slot_state state)
{
    return thread == 0 ? (uint64_t)state : thread + TM_OVERFLOW;
}

/* Where it is or would be. */
static size_t place_of(const struct accounts *accounts, uint64_t key)
{
    size_t from = 0, to = accounts->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (accounts->list[middle].key < key)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static struct account *find(const struct accounts *accounts, uint64_t key)
{
    size_t place = place_of(accounts, key);
    return place < accounts->count && accounts->list[place].key == key ? &accounts->list[place] : NULL;
}

struct account *account_of_thread(const struct accounts *accounts, uint64_t thread, enum tm_slot_state state)
{
    return find(accounts, thread_key(thread, state));
}

struct account *account_of_tag(const struct accounts *accounts, int32_t tag)
{
    return find(accounts, (uint64_t)tag);
}

static struct account *find_or_add(struct accounts *accounts, uint64_t key, bool *added)
{
    size_t place = place_of(accounts, key);
    *added = place == accounts->count || accounts->list[place].key != key;
    if (!*added)
        return &accounts->list[place];
    if (accounts->count == accounts->capacity) {
        accounts->capacity = 2 * accounts->capacity + 16;
        accounts->list = tool_resize(accounts->list, accounts->capacity, sizeof *accounts->list);
    }
    struct account *account = &accounts->list[place];
    memmove(account + 1, account, (accounts->count++ - place) * sizeof *account);
    *account = (struct account){.key = key};
    return account;
}

/* What a reading says of it. */
static struct account *see(struct accounts *accounts, uint64_t key, const struct summary *summary,
                           const struct recording_frame *frame, const struct tm_totals *totals)
{
    bool added;
    struct account *account = find_or_add(accounts, key, &added);
    uint64_t live = tm_live_bytes(totals);
    if (added && summary->reading_count == 0)
        account->allocated_before = totals->allocated_bytes;
    if (added && summary->reading_count > 0)
        account->first_ns = summary->moments[summary->reading_count - 1].elapsed_ns;
    account->last_ns = frame->elapsed_ns;
    account->totals = *totals;
    account->highest = live > account->highest ? live : account->highest;
    account->at_end = live;
    account->there = true;
    return account;
}

static void nobody_is_there(struct accounts *accounts)
{
    for (size_t i = 0; i < accounts->count; i++) {
        accounts->list[i].there = false;
        accounts->list[i].at_end = 0;
    }
}

static uint64_t per_second(uint64_t bytes, uint64_t ns)
{
    return ns == 0 ? 0 : (uint64_t)((double)bytes * 1e9 / (double)ns + 0.5);
}

static uint64_t more_than(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

uint64_t account_rate(const struct account *account)
{
    return per_second(more_than(account->totals.allocated_bytes, account->allocated_before),
                      account->last_ns - account->first_ns);
}

const char *account_name(const struct account *account)
{
    return account->tag != 0 || account->thread != 0 ? account->name : "(shared)";
}

static int by_peak(const void *a, const void *b)
{
    const struct account *one = *(const struct account *const *)a, *other = *(const struct account *const *)b;
    if (one->totals.peak_bytes != other->totals.peak_bytes)
        return one->totals.peak_bytes > other->totals.peak_bytes ? -1 : 1;
    return (one->key > other->key) - (one->key < other->key);
}

const struct account **accounts_by_peak(const struct accounts *accounts)
{
    const struct account **order = tool_allocate(accounts->count, sizeof(struct account *));
    for (size_t i = 0; i < accounts->count; i++)
        order[i] = &accounts->list[i];
    qsort(order, accounts->count, sizeof *order, by_peak);
    return order;
}

/* ---- the whole ---- */

static void keep(struct matrix *matrix, const struct tm_reading *reading)
{
    if (matrix->capacity < reading->slot_count) {
        matrix->capacity = 2 * reading->slot_count;
        matrix->slots = tool_resize(matrix->slots, matrix->capacity, sizeof *matrix->slots);
    }
    matrix->count = reading->slot_count;
    if (matrix->count > 0)
        memcpy(matrix->slots, reading->slots, matrix->count * sizeof *matrix->slots);
}

static void take_frame(struct summary *summary, const struct recording_frame *frame)
{
    const struct tm_reading *reading = &frame->reading;
    const struct moment moment = {frame->elapsed_ns, tm_live_bytes(&reading->process)};
    nobody_is_there(&summary->threads);
    nobody_is_there(&summary->tags);
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *thread = &reading->threads[i];
        struct account *account =
            see(&summary->threads, thread_key(thread->thread, thread->state), summary, frame, &thread->totals);
        account->thread = thread->thread;
        account->tid = thread->tid;
        account->state = thread->state;
        memcpy(account->name, thread->name, sizeof thread->name);
    }
    for (size_t i = 0; i < reading->tag_count; i++) {
        const struct tm_tag_reading *tag = &reading->tags[i];
        struct account *account = see(&summary->tags, (uint64_t)tag->tag, summary, frame, &tag->totals);
        account->tag = tag->tag;
        account->limit_bytes = tag->limit_bytes;
        memcpy(account->name, tag->name, sizeof tag->name);
    }

    if (summary->reading_count == 0)
        summary->first = reading->process;
    if (summary->reading_count == 0 || moment.live > summary->peak.live) {
        summary->peak = moment;
        keep(&summary->at_peak, reading);
    }
    if (frame->memory.resident_bytes > 0)
        summary->resident = frame->memory.resident_bytes;
    if (frame->memory.peak_resident_bytes > summary->resident_peak)
        summary->resident_peak = frame->memory.peak_resident_bytes;

    if (summary->reading_count == summary->moment_capacity) {
        summary->moment_capacity = 2 * summary->moment_capacity + 1024;
        summary->moments = tool_resize(summary->moments, summary->moment_capacity, sizeof moment);
    }
    summary->moments[summary->reading_count++] = moment;
}

struct account summary_sum(const struct summary *summary)
{
    return (struct account){.last_ns = summary_duration_ns(summary)};
}

void account_add(struct account *sum, const struct account *more)
{
    tool_totals_add(&sum->totals, more->totals);
    tool_add_saturating(&sum->totals.peak_bytes, more->totals.peak_bytes);
    tool_add_saturating(&sum->at_peak, more->at_peak);
    tool_add_saturating(&sum->at_end, more->at_end);
    tool_add_saturating(&sum->allocated_before, more->allocated_before);
}

/* Of those that a reading told of, what they did after the last one that did; and all of those that none told of. */
static void find_unseen(struct summary *summary)
{
    struct account seen = summary_sum(summary);
    for (size_t i = 0; i < summary->threads.count; i++)
        account_add(&seen, &summary->threads.list[i]);
    summary->unseen = summary_sum(summary);
    summary->unseen.totals = tool_totals_beyond(summary->process, seen.totals);
    /* What is gone has nothing live. Of who was seen last with live blocks it is unseen that they were freed, too. */
    summary->unseen.totals.peak_bytes = summary->retired.peak_bytes;
    summary->unseen.allocated_before = more_than(summary->first.allocated_bytes, seen.allocated_before);
}

static void take_last(struct summary *summary, const struct recording_frame *frame)
{
    const struct tm_reading *reading = &frame->reading;
    summary->process = reading->process;
    summary->retired = reading->retired;
    summary->crossings = reading->crossings;
    summary->flow_on = reading->flow_on;
    summary->flow_count = reading->flow_count;
    summary->flows = tool_allocate(reading->flow_count, sizeof *summary->flows);
    if (reading->flow_count > 0)
        memcpy(summary->flows, reading->flows, reading->flow_count * sizeof *summary->flows);
    keep(&summary->at_end, reading);

    for (size_t i = 0; i < summary->at_peak.count; i++) {
        const struct tm_slot *slot = &summary->at_peak.slots[i];
        struct account *thread = account_of_thread(&summary->threads, slot->thread, slot->state);
        struct account *tag = slot->tag == 0 ? NULL : account_of_tag(&summary->tags, slot->tag);
        if (thread)
            tool_add_saturating(&thread->at_peak, tm_live_bytes(&slot->totals));
        if (tag)
            tool_add_saturating(&tag->at_peak, tm_live_bytes(&slot->totals));
    }
    find_unseen(summary);
}

bool summary_make(struct summary *summary, struct recording *recording, const char *path)
{
    *summary = (struct summary){.info = *recording_info(recording)};
    const struct recording_frame *last = NULL;
    for (const struct recording_frame *frame; (frame = recording_next(recording));) {
        take_frame(summary, frame);
        last = frame;
    }
    summary->rest = recording_rest(recording);
    if (!last) {
        tool_warn("there is no reading in %s%s%s", path, summary->rest.why ? ": " : "",
                  summary->rest.why ? summary->rest.why : "");
        return false;
    }
    take_last(summary, last); /* it is as it was: what follows it is none */
    return true;
}

uint64_t summary_duration_ns(const struct summary *summary)
{
    return summary->moments[summary->reading_count - 1].elapsed_ns;
}

uint64_t summary_rate(const struct summary *summary)
{
    return per_second(more_than(summary->process.allocated_bytes, summary->first.allocated_bytes),
                      summary_duration_ns(summary));
}

void summary_free(struct summary *summary)
{
    free(summary->moments);
    free(summary->threads.list);
    free(summary->tags.list);
    free(summary->at_peak.slots);
    free(summary->at_end.slots);
    free(summary->flows);
}
