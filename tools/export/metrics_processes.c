/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps what was seen of each process. metrics_count.c decides to which series that is added. */
#include "export/metrics_processes.h"
#include "common/allocate.h"
#include "common/totals.h"
#include "export/metrics_labels.h"
#include "export/metrics_state.h"

#include <stdlib.h>

struct tool_seen_tag *tool_seen_tag_of(const struct tool_process *process, int32_t tag)
{
    size_t low = 0, high = process->seen_tag_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (process->seen_tags[middle].tag < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return low < process->seen_tag_count && process->seen_tags[low].tag == tag ? &process->seen_tags[low] : NULL;
}

static int by_tag(const void *a, const void *b)
{
    const struct tool_seen_tag *one = a, *two = b;
    return one->tag < two->tag ? -1 : one->tag > two->tag;
}

/* What was counted of a tag that has ended is in its series and in the process's sums, so it can be forgotten. */
static void open_books(struct tool_process *process, const struct tm_reading *reading)
{
    struct tool_seen_tag *seen_tags = tool_allocate(reading->tag_count, sizeof *seen_tags);
    for (size_t i = 0; i < reading->tag_count; i++) {
        const struct tm_tag_reading *tag = &reading->tags[i];
        const struct tool_seen_tag *old = tool_seen_tag_of(process, tag->tag);
        if (old)
            seen_tags[i] = *old;
        seen_tags[i].tag = tag->tag;
        seen_tags[i].limit_bytes = tag->limit_bytes;
        seen_tags[i].present = (struct tm_totals){0};
        seen_tags[i].now = tag->totals;
        tool_name_label(seen_tags[i].name, sizeof seen_tags[i].name, tag->name);
    }
    qsort(seen_tags, reading->tag_count, sizeof *seen_tags, by_tag);
    free(process->seen_tags);
    process->seen_tags = seen_tags;
    process->seen_tag_count = reading->tag_count;
}

static bool is_before(const struct tool_account *account, const struct tm_slot *slot)
{
    return account->slot != slot->slot ? account->slot < slot->slot : account->generation < slot->generation;
}

static void lose_account(struct tool_process *process, const struct tool_account *account)
{
    struct tool_seen_tag *seen_tag = tool_seen_tag_of(process, account->tag);
    tool_totals_add(&process->gone, account->counted);
    if (seen_tag)
        tool_totals_add(&seen_tag->gone, account->counted);
}

/* Old and new accounts are sorted by slot, so one pass finds those that are new, still there, and gone. */
static void update_accounts(struct tool_process *process, const struct tm_reading *reading)
{
    struct tool_account *accounts = tool_allocate(reading->slot_count, sizeof *accounts), *old = process->accounts;
    size_t left = process->account_count;
    for (size_t i = 0; i < reading->slot_count; i++) {
        const struct tm_slot *slot = &reading->slots[i];
        struct tool_account *account = &accounts[i];
        for (; left > 0 && is_before(old, slot); left--)
            lose_account(process, old++);
        if (left > 0 && old->slot == slot->slot && old->generation == slot->generation) {
            account->counted = old++->counted;
            left--;
        }
        account->slot = slot->slot;
        account->generation = slot->generation;
        account->tag = slot->tag;
        account->state = slot->state;
        account->now = slot->totals;
        if (process->is_new && !process->counts)
            account->counted = slot->totals;
        tool_name_label(account->name, sizeof account->name, slot->name);
        struct tool_seen_tag *seen_tag = tool_seen_tag_of(process, slot->tag);
        if (seen_tag)
            tool_totals_add(&seen_tag->present, slot->totals);
    }
    for (; left > 0; left--)
        lose_account(process, old++);
    free(process->accounts);
    process->accounts = accounts;
    process->account_count = reading->slot_count;
}

static void list_threads(struct tool_process *process, const struct tm_reading *reading)
{
    process->thread_count = reading->thread_count;
    process->threads = tool_resize(process->threads, reading->thread_count, sizeof *process->threads);
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *thread = &reading->threads[i];
        process->threads[i].state = thread->state;
        process->threads[i].peak_bytes = thread->totals.peak_bytes;
        tool_name_label(process->threads[i].name, sizeof process->threads[i].name, thread->name);
    }
}

void tool_process_take(struct tool_process *process, const struct tm_reading *reading)
{
    open_books(process, reading);
    update_accounts(process, reading);
    list_threads(process, reading);
}

void tool_process_free(struct tool_process *process)
{
    free(process->accounts);
    free(process->threads);
    free(process->seen_tags);
    free(process);
}
