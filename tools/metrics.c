/* SPDX-License-Identifier: BSD-3-Clause */
/* The books: what is seen of each process. Which series that goes to is metrics_count.c's. */
#include "metrics_books.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_PROGRAMS = 100,
    /* A process that cannot be read for a while is still the same one when it can be. */
    FORGOTTEN_AFTER = 20,
};

static const char *const reserved_threads[] = {
    [TOOL_OTHER] = "other", [TOOL_EXITED] = "(exited)", [TOOL_SHARED] = "(shared)"};
static const char *const reserved_tags[] = {[TOOL_OTHER] = "other", [TOOL_NO_TAG] = "(none)"};

static void name_label(char *label, size_t size, const char *name)
{
    tool_utf8(label, size, name);
    if (!*label) /* which to Prometheus were no label at all */
        snprintf(label, size, "(unnamed)");
}

struct tool_metrics *tool_metrics_new(size_t threads, size_t tags)
{
    struct tool_metrics *metrics = tool_allocate(1, sizeof *metrics);
    metrics->top_threads = threads;
    metrics->top_tags = tags;
    return metrics;
}

static void free_process(struct tool_process *process)
{
    free(process->accounts);
    free(process->threads);
    free(process->books);
}

void tool_metrics_free(struct tool_metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->program_count; i++) {
        free(metrics->programs[i].threads.all);
        free(metrics->programs[i].tags.all);
        free(metrics->programs[i].series);
    }
    for (size_t i = 0; i < metrics->process_count; i++)
        free_process(&metrics->processes[i]);
    free(metrics->programs);
    free(metrics->processes);
    free(metrics);
}

static size_t find_program(struct tool_metrics *metrics, const char *name)
{
    size_t i = 0;
    while (i < metrics->program_count && strcmp(metrics->programs[i].name, name) != 0)
        i++;
    if (i < metrics->program_count)
        return i;
    if (i >= MOST_PROGRAMS - 1 && strcmp(name, "other") != 0)
        return find_program(metrics, "other");
    metrics->programs = tool_resize(metrics->programs, i + 1, sizeof *metrics->programs);
    metrics->program_count++;
    struct tool_program *program = &metrics->programs[i];
    *program = (struct tool_program){0};
    snprintf(program->name, sizeof program->name, "%s", name);
    tool_labels_init(&program->threads, metrics->top_threads, reserved_threads, 3);
    tool_labels_init(&program->tags, metrics->top_tags, reserved_tags, 2);
    return i;
}

static struct tool_process *find_process(struct tool_metrics *metrics, const struct tool_view *view)
{
    const struct tm_reading *reading = view->reading;
    for (size_t i = 0; i < metrics->process_count; i++) {
        struct tool_process *process = &metrics->processes[i];
        if (process->inode == view->inode && process->device == view->device &&
            process->started_ns == reading->started_ns)
            return process;
    }
    char name[TOOL_LABEL];
    name_label(name, sizeof name, reading->program);
    metrics->processes = tool_resize(metrics->processes, metrics->process_count + 1, sizeof *metrics->processes);
    struct tool_process *process = &metrics->processes[metrics->process_count++];
    *process = (struct tool_process){
        .device = view->device,
        .inode = view->inode,
        .started_ns = reading->started_ns,
        .program = find_program(metrics, name),
        /*
         * What a fork has from its parent was counted there, if somebody was there to count. What crashed before
         * anybody looked is history.
         */
        .counts = reading->live && (metrics->rounds == 1 || reading->parent == 0),
        .is_new = true,
        .missed = 1,
    };
    return process;
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
        name_label(books[i].name, sizeof books[i].name, tag->name);
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
        name_label(account->name, sizeof account->name, slot->name);
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

void tool_metrics_begin(struct tool_metrics *metrics)
{
    metrics->rounds++;
    metrics->unreadable = 0;
    for (size_t i = 0; i < metrics->process_count; i++) {
        metrics->processes[i].missed++;
        metrics->processes[i].is_new = false;
    }
    for (size_t i = 0; i < metrics->program_count; i++) {
        struct tool_program *program = &metrics->programs[i];
        program->now = (struct tool_gauges){0};
        program->peak_bytes = program->resident_bytes = program->processes = program->crashed = 0;
        for (size_t k = 0; k < program->series_count; k++)
            program->series[k].now = (struct tool_gauges){0};
        struct tool_labels *kinds[] = {&program->threads, &program->tags};
        for (size_t kind = 0; kind < 2; kind++)
            for (size_t k = 0; k < kinds[kind]->count; k++) {
                struct tool_label *label = &kinds[kind]->all[k];
                label->threads = label->peak_bytes = label->limit_bytes = label->limit_used_millionths = 0;
            }
    }
}

void tool_metrics_add_unreadable(struct tool_metrics *metrics)
{
    metrics->unreadable++;
}

void tool_metrics_leave_out(struct tool_metrics *metrics, size_t count)
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

static void count_crossings(struct tm_crossings *sum, struct tm_crossings *counted, const struct tm_crossings *now)
{
    count_more(&sum->foreign_frees, &counted->foreign_frees, now->foreign_frees);
    count_more(&sum->foreign_reallocs, &counted->foreign_reallocs, now->foreign_reallocs);
    count_more(&sum->caught_frees, &counted->caught_frees, now->caught_frees);
    count_more(&sum->caught_reallocs, &counted->caught_reallocs, now->caught_reallocs);
    count_more(&sum->misuses_told, &counted->misuses_told, now->misuses_told);
}

static void count_process(struct tool_program *program, struct tool_process *process, const struct tool_view *view)
{
    const struct tm_reading *reading = view->reading;
    if (process->is_new && !process->counts) {
        process->counted = reading->process;
        process->crossings = reading->crossings;
    }
    struct tm_totals more = tool_totals_beyond(reading->process, process->counted);
    tool_totals_add(&program->counted, more);
    tool_totals_add(&process->counted, more);
    count_crossings(&program->crossings, &process->crossings, &reading->crossings);
    if (!reading->live) {
        program->crashed += !reading->ended;
        return;
    }
    program->processes++;
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
        name_label(process->threads[i].name, sizeof process->threads[i].name, thread->name);
    }
}

void tool_metrics_add(struct tool_metrics *metrics, const struct tool_view *view)
{
    struct tool_process *process = find_process(metrics, view);
    if (process->missed == 0) /* named twice */
        return;
    process->missed = 0;
    process->live = view->reading->live;
    process->retired = view->reading->retired;
    open_books(process, view->reading);
    update_accounts(process, view->reading);
    list_threads(process, view->reading);
    count_process(&metrics->programs[process->program], process, view);
}

static void forget_processes(struct tool_metrics *metrics)
{
    size_t kept = 0;
    for (size_t i = 0; i < metrics->process_count; i++)
        if (metrics->processes[i].missed > FORGOTTEN_AFTER)
            free_process(&metrics->processes[i]);
        else
            metrics->processes[kept++] = metrics->processes[i];
    metrics->process_count = kept;
}

void tool_metrics_end(struct tool_metrics *metrics)
{
    for (size_t i = 0; i < metrics->program_count; i++)
        tool_program_admit_labels(metrics, i);
    for (size_t i = 0; i < metrics->process_count; i++)
        if (metrics->processes[i].missed == 0)
            tool_program_count(&metrics->programs[metrics->processes[i].program], &metrics->processes[i]);
    forget_processes(metrics);
}
