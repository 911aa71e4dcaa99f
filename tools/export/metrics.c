/* SPDX-License-Identifier: BSD-3-Clause */
/* The books: what is seen of each process. Which series that goes to is metrics_count.c's. */
#include "export/metrics_books.h"

#include <search.h>
#include <stdlib.h>
#include <unistd.h>

/* A process that cannot be read for a while is still the same one when it can be. */
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
    free(process->accounts);
    free(process->threads);
    free(process->books);
    free(process);
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

/* Whether a process that is not known has been here since before others were forgotten: it may be one of them. */
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

struct tool_tag_book *tool_book_of(const struct tool_process *process, int32_t tag)
{
    size_t low = 0, high = process->book_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (process->books[middle].tag < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return low < process->book_count && process->books[low].tag == tag ? &process->books[low] : NULL;
}

static int by_tag(const void *a, const void *b)
{
    const struct tool_tag_book *one = a, *two = b;
    return one->tag < two->tag ? -1 : one->tag > two->tag;
}

/* What was counted of a tag that has ended is in its series and in the process's sums: its book can go. */
static void open_books(struct tool_process *process, const struct tm_reading *reading)
{
    struct tool_tag_book *books = tool_allocate(reading->tag_count, sizeof *books);
    for (size_t i = 0; i < reading->tag_count; i++) {
        const struct tm_tag_reading *tag = &reading->tags[i];
        const struct tool_tag_book *old = tool_book_of(process, tag->tag);
        if (old)
            books[i] = *old;
        books[i].tag = tag->tag;
        books[i].limit_bytes = tag->limit_bytes;
        books[i].present = (struct tm_totals){0};
        books[i].now = tag->totals;
        tool_name_label(books[i].name, sizeof books[i].name, tag->name);
    }
    qsort(books, reading->tag_count, sizeof *books, by_tag);
    free(process->books);
    process->books = books;
    process->book_count = reading->tag_count;
}

static bool is_before(const struct tool_account *account, const struct tm_slot *slot)
{
    return account->slot != slot->slot ? account->slot < slot->slot : account->generation < slot->generation;
}

static void lose_account(struct tool_process *process, const struct tool_account *account)
{
    struct tool_tag_book *book = tool_book_of(process, account->tag);
    tool_totals_add(&process->gone, account->counted);
    if (book)
        tool_totals_add(&book->gone, account->counted);
}

/* Both old and new ones are in order of slots, so one walk finds who has come, who is still there, and who has gone. */
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
        struct tool_tag_book *book = tool_book_of(process, slot->tag);
        if (book)
            tool_totals_add(&book->present, slot->totals);
    }
    for (; left > 0; left--)
        lose_account(process, old++);
    free(process->accounts);
    process->accounts = accounts;
    process->account_count = reading->slot_count;
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
    count_more(&sum->foreign_frees, &counted->foreign_frees, now->foreign_frees);
    count_more(&sum->foreign_reallocs, &counted->foreign_reallocs, now->foreign_reallocs);
    count_more(&sum->intercepted_frees, &counted->intercepted_frees, now->intercepted_frees);
    count_more(&sum->intercepted_reallocs, &counted->intercepted_reallocs, now->intercepted_reallocs);
    count_more(&sum->errors_reported, &counted->errors_reported, now->errors_reported);
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
    struct tool_program *program = process->program;
    if (process->crash_counted)
        return;
    process->crash_counted = true;
    if (process->is_new && !lived_unseen(metrics, process->started_ns))
        return;
    if (program->since_round == metrics->rounds)
        program = metrics->programs[TOOL_OTHER];
    program->crashes++;
    program->seen_ns = metrics->began[2].monotonic_ns; /* so the counter can be seen for a while */
}

static void count_process(struct tool_metrics *metrics, struct tool_process *process, const struct tool_view *view)
{
    const struct tm_reading *reading = view->reading;
    struct tool_program *program = process->program;
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

void tool_metrics_add(struct tool_metrics *metrics, const struct tool_view *view)
{
    const struct tm_reading *reading = view->reading;
    struct tool_process *process = find_process(metrics, view);
    if (process->missed == 0) /* named twice */
        return;
    process->missed = 0;
    process->seen_ns = metrics->began[2].monotonic_ns;
    process->runs = reading->live || reading->unknown;
    process->retired = reading->retired;
    process->program = tool_program_of(metrics, reading);
    process->next = process->program->processes_now;
    process->program->processes_now = process;
    open_books(process, reading);
    update_accounts(process, reading);
    list_threads(process, reading);
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
