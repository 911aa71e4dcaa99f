/* SPDX-License-Identifier: BSD-3-Clause */
#include "report/summary.h"
#include "common/allocate.h"
#include "common/clock.h"
#include "common/messages.h"
#include "common/states.h"
#include "common/totals.h"
#include "recording/recording.h"
#include "recording/recording_read.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- accounts ---- */

/* The two shared slots have no thread number. Thread numbers begin with 1. */
static uint64_t thread_key(uint64_t thread, enum tm_slot_state state)
{
    return thread == 0 ? (uint64_t)state : thread + TM_OVERFLOW;
}

/* A hash with a secret, so that nobody can make a recording whose keys all have the same hash. */
static uint64_t scatter(const struct accounts *accounts, uint64_t key)
{
    key = (key ^ accounts->secret[0]) * UINT64_C(0x9e3779b97f4a7c15);
    return (key ^ key >> 32) * (accounts->secret[1] | 1) >> 32;
}

/* The index in accounts->places where this key is, or would be. */
static size_t place_of(const struct accounts *accounts, uint64_t key)
{
    const size_t mask = accounts->place_count - 1;
    size_t place = scatter(accounts, key) & mask;
    while (accounts->places[place] != 0 && accounts->list[accounts->places[place] - 1].key != key)
        place = (place + 1) & mask;
    return place;
}

static struct account *find(const struct accounts *accounts, uint64_t key)
{
    uint32_t number = accounts->place_count > 0 ? accounts->places[place_of(accounts, key)] : 0;
    return number > 0 ? &accounts->list[number - 1] : NULL;
}

static void grow(struct accounts *accounts)
{
    if (accounts->capacity == 0 && getrandom(accounts->secret, sizeof accounts->secret, GRND_NONBLOCK) < 0)
        accounts->secret[0] = accounts->secret[1] = (uintptr_t)accounts ^ tool_clock();
    accounts->capacity = accounts->capacity > 0 ? 2 * accounts->capacity : 64;
    accounts->list = tool_resize(accounts->list, accounts->capacity, sizeof *accounts->list);
    free(accounts->places);
    accounts->place_count = 2 * accounts->capacity;
    accounts->places = tool_allocate(accounts->place_count, sizeof *accounts->places);
    for (size_t i = 0; i < accounts->count; i++)
        accounts->places[place_of(accounts, accounts->list[i].key)] = (uint32_t)i + 1;
}

static struct account *add(struct accounts *accounts, uint64_t key)
{
    if (accounts->count == accounts->capacity)
        grow(accounts);
    accounts->list[accounts->count] = (struct account){.key = key};
    accounts->places[place_of(accounts, key)] = (uint32_t)accounts->count + 1;
    return &accounts->list[accounts->count++];
}

/* What a reading says of it. */
static struct account *see(struct accounts *accounts, uint64_t key, const struct summary *summary,
                           const struct recording_frame *frame, const struct tm_totals *totals)
{
    struct account *account = find(accounts, key);
    uint64_t live = tm_live_bytes(totals);
    if (!account) {
        account = add(accounts, key);
        account->allocated_before = summary->reading_count == 1 ? totals->allocated_bytes : 0;
        account->first_ns = summary->last_ns;
    }
    account->last_ns = frame->elapsed_ns;
    account->totals = *totals;
    account->highest = live > account->highest ? live : account->highest;
    account->seen = summary->reading_count;
    return account;
}

/* After the last reading: marks the accounts that were in it. */
static void end_accounts(struct accounts *accounts, size_t reading_count)
{
    for (size_t i = 0; i < accounts->count; i++) {
        struct account *account = &accounts->list[i];
        account->there = account->seen == reading_count;
        account->at_end = account->there ? tm_live_bytes(&account->totals) : 0;
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

struct tm__figures account_figures(const struct account *account)
{
    struct tm__figures figures = tm__figures_of(&account->totals);
    figures.live_bytes = account->at_end;
    figures.live_blocks = account->there ? tm_live_blocks(&account->totals) : 0;
    figures.limit_bytes = account->limit_bytes;
    figures.at_peak_bytes = account->at_peak;
    figures.allocated_bytes_per_second = account_rate(account);
    return figures;
}

const char *account_name(const struct account *account)
{
    return account->tag != 0 || account->thread != 0 ? account->name : "(shared)";
}

const char *account_state(const struct account *account)
{
    if (!account->there)
        return "gone";
    return account->tag != 0 ? tool_tag_state(account->open) : tm_slot_state_name(account->state);
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

static struct moment higher(struct moment first, struct moment second)
{
    return second.live > first.live ? second : first;
}

static void add_moment(struct moments *moments, struct moment moment)
{
    if (moments->readings_each == 0 || moment.reading / moments->readings_each == MOMENTS) {
        moments->count /= 2;
        for (size_t i = 0; i < moments->count; i++)
            moments->list[i] = higher(moments->list[2 * i], moments->list[2 * i + 1]);
        moments->readings_each = moments->readings_each > 0 ? 2 * moments->readings_each : 1;
    }
    struct moment *place = &moments->list[moment.reading / moments->readings_each];
    if (place == &moments->list[moments->count]) {
        moments->count++;
        *place = moment;
    }
    *place = higher(*place, moment);
}

static void take_frame(struct summary *summary, const struct recording_frame *frame)
{
    const struct tm_reading *reading = &frame->reading;
    const struct moment moment = {frame->elapsed_ns, tm_live_bytes(&reading->process), summary->reading_count++};
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
        account->open = tag->open;
        memcpy(account->name, tag->name, sizeof tag->name);
    }

    if (moment.reading == 0)
        summary->first = reading->process;
    if (moment.reading == 0 || moment.live > summary->peak.live) {
        summary->peak = moment;
        keep(&summary->at_peak, reading);
    }
    if (frame->memory.resident_bytes > 0)
        summary->resident = frame->memory.resident_bytes;
    if (frame->memory.peak_resident_bytes > summary->resident_peak)
        summary->resident_peak = frame->memory.peak_resident_bytes;

    add_moment(&summary->moments, moment);
    summary->last_ns = frame->elapsed_ns;
}

struct account summary_sum(const struct summary *summary)
{
    return (struct account){.last_ns = summary->last_ns};
}

void account_add(struct account *sum, const struct account *more)
{
    tool_totals_add(&sum->totals, more->totals);
    tool_add_saturating(&sum->totals.peak_bytes, more->totals.peak_bytes);
    tool_add_saturating(&sum->at_peak, more->at_peak);
    tool_add_saturating(&sum->at_end, more->at_end);
    tool_add_saturating(&sum->allocated_before, more->allocated_before);
}

/* What accounts did after the last reading that has them, and all that accounts did which no reading has. */
static void find_unseen(struct summary *summary)
{
    struct account seen = summary_sum(summary);
    for (size_t i = 0; i < summary->threads.count; i++)
        account_add(&seen, &summary->threads.list[i]);
    summary->unseen = summary_sum(summary);
    summary->unseen.totals = tool_totals_beyond(summary->process, seen.totals);
    /* Accounts that are gone own nothing. If one was last seen with live blocks, their frees were not seen. */
    summary->unseen.totals.peak_bytes = summary->retired.peak_bytes;
    summary->unseen.allocated_before = more_than(summary->first.allocated_bytes, seen.allocated_before);
}

static bool is_others(const struct tm_flow *flow)
{
    return flow->owner == 0 && strcmp(flow->owner_name, "(others)") == 0;
}

static int by_bytes(const void *a, const void *b)
{
    const struct tm_flow *one = a, *other = b;
    if (is_others(one) != is_others(other))
        return is_others(one) ? 1 : -1;
    if (one->bytes != other->bytes)
        return one->bytes > other->bytes ? -1 : 1;
    if (one->owner != other->owner)
        return one->owner < other->owner ? -1 : 1;
    return (one->freer > other->freer) - (one->freer < other->freer);
}

static void take_last(struct summary *summary, const struct recording_frame *frame)
{
    const struct tm_reading *reading = &frame->reading;
    summary->process = reading->process;
    summary->retired = reading->retired;
    summary->cross_allocator_calls = reading->cross_allocator_calls;
    summary->flow_on = reading->flow_on;
    summary->flow_count = reading->flow_count;
    summary->flows = tool_allocate(reading->flow_count, sizeof *summary->flows);
    if (reading->flow_count > 0)
        memcpy(summary->flows, reading->flows, reading->flow_count * sizeof *summary->flows);
    if (reading->flow_count > 1)
        qsort(summary->flows, reading->flow_count, sizeof *summary->flows, by_bytes);
    keep(&summary->at_end, reading);
    end_accounts(&summary->threads, summary->reading_count);
    end_accounts(&summary->tags, summary->reading_count);
    for (size_t i = 0; i < summary->at_peak.count; i++) {
        const struct tm_slot *slot = &summary->at_peak.slots[i];
        struct account *thread = find(&summary->threads, thread_key(slot->thread, slot->state));
        struct account *tag = slot->tag == 0 ? NULL : find(&summary->tags, (uint64_t)slot->tag);
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

uint64_t summary_rate(const struct summary *summary)
{
    return per_second(more_than(summary->process.allocated_bytes, summary->first.allocated_bytes), summary->last_ns);
}

static void free_accounts(struct accounts *accounts)
{
    free(accounts->list);
    free(accounts->places);
}

void summary_free(struct summary *summary)
{
    free_accounts(&summary->threads);
    free_accounts(&summary->tags);
    free(summary->at_peak.slots);
    free(summary->at_end.slots);
    free(summary->flows);
}
