/* SPDX-License-Identifier: BSD-3-Clause */
/* Recognizes processes from round to round, and forgets those that are gone. */
#include "export/metrics.h"
#include "common/allocate.h"
#include "common/messages.h"
#include "common/totals.h"
#include "export/metrics_count.h"
#include "export/metrics_labels.h"
#include "export/metrics_processes.h"
#include "export/metrics_programs.h"
#include "export/metrics_state.h"

#include <search.h>
#include <stdlib.h>
#include <unistd.h>

/* A process that cannot be read for some rounds is kept, and recognized when it can be read again. */
enum { FORGOTTEN_AFTER = 20 };

static int by_identity(const void *a, const void *b)
{
    const struct tool_process *one = a, *two = b;
    if (one->inode != two->inode)
        return one->inode < two->inode ? -1 : 1;
    if (one->device != two->device)
        return one->device < two->device ? -1 : 1;
    return one->started_ns < two->started_ns ? -1 : one->started_ns > two->started_ns;
}

struct tool_metrics *tool_metrics_new(size_t threads, size_t tags, bool by_user, struct tool_moment now)
{
    struct tool_metrics *metrics = tool_allocate(1, sizeof *metrics);
    metrics->top_threads = threads;
    metrics->top_tags = tags;
    metrics->by_user = by_user;
    metrics->own_uid = geteuid();
    for (size_t i = 0; i < 3; i++)
        metrics->began[i] = now;
    tool_programs_init(metrics);
    return metrics;
}

static void free_process(struct tool_metrics *metrics, struct tool_process *process)
{
    tdelete(process, &metrics->by_identity, by_identity);
    tool_process_free(process);
}

void tool_metrics_free(struct tool_metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->process_count; i++)
        free_process(metrics, metrics->processes[i]);
    free(metrics->processes);
    tool_programs_free(metrics);
    free(metrics);
}

static struct tool_process *add_process(struct tool_metrics *metrics, const struct tool_process *identity)
{
    struct tool_process *process = tool_allocate(1, sizeof *process);
    *process = *identity;
    metrics->processes = tool_resize(metrics->processes, metrics->process_count + 1, sizeof(struct tool_process *));
    metrics->processes[metrics->process_count++] = process;
    if (!tsearch(process, &metrics->by_identity, by_identity))
        exit(tool_fail("out of memory"));
    return process;
}

/* Whether an unknown process is older than the time at which others were forgotten: then it may be one of them. */
static bool may_have_counted(const struct tool_metrics *metrics, uint64_t started_ns)
{
    const struct tool_moment *now = &metrics->began[2];
    uint64_t ago = now->monotonic_ns - metrics->forgotten_ns;
    return metrics->forgotten_ns > 0 && now->real_ns > ago && started_ns <= now->real_ns - ago;
}

static struct tool_process *find_process(struct tool_metrics *metrics, const struct tool_view *view)
{
    const struct tm_reading *reading = view->reading;
    struct tool_process wanted = {
        .device = view->device,
        .inode = view->inode,
        .started_ns = reading->started_ns,
        /*
         * What a fork has from its parent was counted there, if somebody was there to count. What crashed before
         * anybody looked is history. Who could not be read for long has counted already.
         */
        .counts = (reading->live || reading->unknown) &&
                  (metrics->rounds == 1 || (reading->parent == 0 && !may_have_counted(metrics, reading->started_ns))),
        .is_new = true,
        .missed = 1,
    };
    struct tool_process *const *found = tfind(&wanted, &metrics->by_identity, by_identity);
    return found ? *found : add_process(metrics, &wanted);
}

void tool_metrics_begin(struct tool_metrics *metrics, struct tool_moment now)
{
    metrics->rounds++;
    metrics->unreadable = 0;
    metrics->began[0] = metrics->began[1];
    metrics->began[1] = metrics->began[2];
    metrics->began[2] = now;
    for (size_t i = 0; i < metrics->process_count; i++) {
        metrics->processes[i]->missed++;
        metrics->processes[i]->is_new = false;
    }
    tool_programs_begin(metrics);
}

void tool_metrics_add_unreadable(struct tool_metrics *metrics)
{
    metrics->unreadable++;
}

void tool_metrics_skip(struct tool_metrics *metrics, size_t count)
{
    metrics->left_out = count;
}

static void count_more(uint64_t *sum, uint64_t *counted, uint64_t now)
{
    if (now > *counted) {
        tool_add_saturating(sum, now - *counted);
        *counted = now;
    }
}

static void count_crossings(struct tm_cross_allocator_calls *sum, struct tm_cross_allocator_calls *counted,
                            const struct tm_cross_allocator_calls *now)
{
#define COUNT(name, words, meaning) count_more(&sum->name, &counted->name, now->name);
    TM_CROSS_ALLOCATOR_CALLS(COUNT)
#undef COUNT
}

/*
 * Whether a process that is first seen dead has lived since the round before the last began: what lived longer was seen
 * alive, or could not be read, or lay there already. If the clock has been set since, the earlier of both times is
 * taken, so that no crash is missed.
 */
static bool lived_unseen(const struct tool_metrics *metrics, uint64_t started_ns)
{
    const struct tool_moment *then = &metrics->began[0], *now = &metrics->began[2];
    uint64_t ago = now->monotonic_ns - then->monotonic_ns;
    return started_ns >= then->real_ns || (now->real_ns > ago && started_ns >= now->real_ns - ago);
}

/*
 * Once for each process, whatever becomes of its file. Of a program that was not there in the round before, the counter
 * could not be seen to grow: that of the others can.
 */
static void count_crash(struct tool_metrics *metrics, struct tool_process *process)
{
    struct tool_metrics_program *program = process->program;
    if (process->crash_counted)
        return;
    process->crash_counted = true;
    if (process->is_new && !lived_unseen(metrics, process->started_ns))
        return;
    if (program->since_round == metrics->rounds)
        program = metrics->programs[TOOL_OTHER];
    program->crashes++;
    /* So its series stay long enough for the counter to be read. */
    program->seen_ns = metrics->began[2].monotonic_ns;
}

static void count_process(struct tool_metrics *metrics, struct tool_process *process, const struct tool_view *view)
{
    const struct tm_reading *reading = view->reading;
    struct tool_metrics_program *program = process->program;
    if (process->is_new && !process->counts) {
        process->counted = reading->process;
        process->cross_allocator_calls = reading->cross_allocator_calls;
    }
    struct tm_totals more = tool_totals_beyond(reading->process, process->counted);
    tool_totals_add(&program->counted, more);
    tool_totals_add(&process->counted, more);
    count_crossings(&program->cross_allocator_calls, &process->cross_allocator_calls, &reading->cross_allocator_calls);
    if (!process->runs) {
        program->crashed += !reading->ended;
        if (!reading->ended)
            count_crash(metrics, process);
        return;
    }
    program->processes += reading->live;
    program->unknown += !reading->live;
    tool_add_saturating(&program->resident_bytes, view->resident_bytes);
    tool_add_saturating(&program->peak_bytes, reading->process.peak_bytes);
    tool_add_saturating(&program->now.live_bytes, tm_live_bytes(&reading->process));
    tool_add_saturating(&program->now.live_blocks, tm_live_blocks(&reading->process));
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *thread = &reading->threads[i];
        if (thread->state == TM_ORPHAN)
            tool_add_saturating(&program->now.orphan_bytes, tm_live_bytes(&thread->totals));
    }
}

void tool_metrics_add(struct tool_metrics *metrics, const struct tool_view *view)
{
    const struct tm_reading *reading = view->reading;
    struct tool_process *process = find_process(metrics, view);
    if (process->missed == 0) /* the command line names the process twice */
        return;
    process->missed = 0;
    process->seen_ns = metrics->began[2].monotonic_ns;
    process->runs = reading->live || reading->unknown;
    process->retired = reading->retired;
    process->program = tool_program_of(metrics, reading);
    process->next = process->program->processes_now;
    process->program->processes_now = process;
    tool_process_take(process, reading);
    count_process(metrics, process, view);
}

static void forget_processes(struct tool_metrics *metrics)
{
    size_t kept = 0;
    for (size_t i = 0; i < metrics->process_count; i++) {
        struct tool_process *process = metrics->processes[i];
        if (process->missed <= FORGOTTEN_AFTER) {
            metrics->processes[kept++] = process;
            continue;
        }
        if (process->seen_ns > metrics->forgotten_ns)
            metrics->forgotten_ns = process->seen_ns;
        free_process(metrics, process);
    }
    metrics->process_count = kept;
}

void tool_metrics_end(struct tool_metrics *metrics)
{
    for (size_t i = 0; i < metrics->program_count; i++)
        tool_program_count(metrics->programs[i], metrics->began[2].monotonic_ns);
    forget_processes(metrics);
}
