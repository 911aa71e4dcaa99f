/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Adds what was seen of processes to the series of their programs. The counter of a series only grows: what an
 * account, or a process's sum over its gone accounts, has beyond what was counted before is added.
 */
#include "export/metrics_count.h"
#include "common/allocate.h"
#include "common/totals.h"
#include "export/metrics_labels.h"
#include "export/metrics_processes.h"
#include "export/metrics_state.h"

#include <stdlib.h>

static bool is_shared(const struct tool_account *account)
{
    return account->state == TM_LATE || account->state == TM_OVERFLOW;
}

static struct tool_candidate candidate_of(const char *text, const struct tm_totals *totals)
{
    return (struct tool_candidate){text, tm_live_bytes(totals), totals->allocated_bytes};
}

/* Where each series is, after labels have come; those of a label whose place has another now are gone with it. */
static void place_series(struct tool_metrics_program *program)
{
    size_t kept = 0;
    free(program->series_at);
    program->series_at = tool_allocate(program->threads.count * program->tags.count, sizeof *program->series_at);
    for (size_t i = 0; i < program->series_count; i++) {
        struct tool_series *series = &program->series[i];
        if (program->threads.all[series->thread].is_new || program->tags.all[series->tag].is_new)
            continue;
        program->series[kept++] = *series;
        program->series_at[series->thread * program->tags.count + series->tag] = (uint32_t)kept;
    }
    program->series_count = kept;
}

static void admit_labels(struct tool_metrics_program *program, uint64_t now_ns)
{
    struct tool_candidate *threads, *tags;
    size_t thread_count = 0, tag_count = 0;
    for (const struct tool_process *process = program->processes_now; process; process = process->next) {
        thread_count += process->account_count;
        tag_count += process->seen_tag_count;
    }
    threads = tool_allocate(thread_count, sizeof *threads);
    tags = tool_allocate(tag_count, sizeof *tags);
    thread_count = tag_count = 0;
    for (const struct tool_process *process = program->processes_now; process; process = process->next) {
        if (!process->runs)
            continue;
        for (size_t k = 0; k < process->account_count; k++) {
            const struct tool_account *account = &process->accounts[k];
            if (!is_shared(account) && !tool_totals_are_nothing(account->now))
                threads[thread_count++] = candidate_of(account->name, &account->now);
        }
        for (size_t k = 0; k < process->seen_tag_count; k++) {
            const struct tool_seen_tag *seen_tag = &process->seen_tags[k];
            if (seen_tag->limit_bytes > 0 || !tool_totals_are_nothing(seen_tag->now))
                tags[tag_count++] = candidate_of(seen_tag->name, &seen_tag->now);
        }
    }
    bool more = tool_labels_admit(&program->threads, threads, thread_count, now_ns);
    more |= tool_labels_admit(&program->tags, tags, tag_count, now_ns);
    if (more || !program->series_at)
        place_series(program);
    free(threads);
    free(tags);
}

static struct tool_series *series_of(struct tool_metrics_program *program, size_t thread, size_t tag)
{
    uint32_t *at = &program->series_at[thread * program->tags.count + tag];
    if (*at > 0)
        return &program->series[*at - 1];
    program->series = tool_resize(program->series, program->series_count + 1, sizeof *program->series);
    struct tool_series *series = &program->series[program->series_count++];
    *series = (struct tool_series){.thread = thread, .tag = tag};
    *at = (uint32_t)program->series_count;
    return series;
}

static void count_account(struct tool_metrics_program *program, const struct tool_process *process,
                          struct tool_account *account)
{
    struct tm_totals more = tool_totals_beyond(account->now, account->counted);
    if (tool_totals_are_nothing(process->runs ? account->now : more))
        return;
    const struct tool_seen_tag *seen_tag = tool_seen_tag_of(process, account->tag);
    size_t thread = is_shared(account) ? TOOL_SHARED : tool_labels_find(&program->threads, account->name);
    size_t tag = account->tag == 0 ? TOOL_NO_TAG
                 : seen_tag        ? tool_labels_find(&program->tags, seen_tag->name)
                                   : TOOL_OTHER;
    struct tool_series *series = series_of(program, thread, tag);
    tool_totals_add(&series->counted, more);
    tool_totals_add(&account->counted, more);
    if (!process->runs)
        return;
    tool_add_saturating(&series->now.live_bytes, tm_live_bytes(&account->now));
    tool_add_saturating(&series->now.live_blocks, tm_live_blocks(&account->now));
    if (account->state == TM_ORPHAN)
        tool_add_saturating(&series->now.orphan_bytes, tm_live_bytes(&account->now));
}

/* Counters of accounts that are gone, which the process knows in one sum, beyond what was counted of them. */
static struct tm_totals left_of_gone(const struct tool_process *process)
{
    struct tm_totals counted = process->gone;
    tool_totals_add(&counted, process->exited);
    return tool_totals_beyond(process->retired, counted);
}

static void count_exited(struct tool_metrics_program *program, struct tool_process *process, size_t tag,
                         struct tm_totals more)
{
    tool_totals_add(&process->exited, more);
    if ((process->is_new && !process->counts) || tool_totals_are_nothing(more))
        return;
    tool_totals_add(&series_of(program, TOOL_EXITED, tag)->counted, more);
}

/* By tag as far as the tags know it, but never more than all. */
static void count_gone(struct tool_metrics_program *program, struct tool_process *process)
{
    for (size_t i = 0; i < process->seen_tag_count; i++) {
        struct tool_seen_tag *seen_tag = &process->seen_tags[i];
        struct tm_totals counted = seen_tag->present;
        tool_totals_add(&counted, seen_tag->gone);
        tool_totals_add(&counted, seen_tag->exited);
        struct tm_totals more = tool_totals_at_most(tool_totals_beyond(seen_tag->now, counted), left_of_gone(process));
        tool_totals_add(&seen_tag->exited, more);
        count_exited(program, process, tool_labels_find(&program->tags, seen_tag->name), more);
    }
    count_exited(program, process, TOOL_NO_TAG, left_of_gone(process));
}

static void count_threads(struct tool_metrics_program *program, const struct tool_process *process)
{
    for (size_t i = 0; i < process->thread_count; i++) {
        const struct tool_thread *thread = &process->threads[i];
        bool shared = thread->state == TM_LATE || thread->state == TM_OVERFLOW;
        size_t number = shared ? TOOL_SHARED : tool_labels_find(&program->threads, thread->name);
        struct tool_label *label = &program->threads.all[number];
        label->threads += thread->state == TM_LIVE;
        if (thread->peak_bytes > label->peak_bytes)
            label->peak_bytes = thread->peak_bytes;
    }
}

static void count_tags(struct tool_metrics_program *program, const struct tool_process *process)
{
    for (size_t i = 0; i < process->seen_tag_count; i++) {
        const struct tool_seen_tag *seen_tag = &process->seen_tags[i];
        struct tool_label *label = &program->tags.all[tool_labels_find(&program->tags, seen_tag->name)];
        tool_add_saturating(&label->peak_bytes, seen_tag->now.peak_bytes);
        if (seen_tag->limit_bytes == 0)
            continue;
        tool_add_saturating(&label->limit_bytes, seen_tag->limit_bytes);
        double used = 1e6 * (double)tm_live_bytes(&seen_tag->now) / (double)seen_tag->limit_bytes;
        if (used > (double)label->limit_used_millionths)
            label->limit_used_millionths = (uint64_t)used;
    }
}

void tool_program_count(struct tool_metrics_program *program, uint64_t now_ns)
{
    admit_labels(program, now_ns);
    for (struct tool_process *process = program->processes_now; process; process = process->next) {
        for (size_t i = 0; i < process->account_count; i++)
            count_account(program, process, &process->accounts[i]);
        count_gone(program, process);
        if (process->runs) {
            count_threads(program, process);
            count_tags(program, process);
        }
    }
}
