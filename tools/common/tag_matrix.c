/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/tag_matrix.h"
#include "common/allocate.h"
#include "common/table.h"
#include "common/totals.h"

#include <stdio.h>
#include <stdlib.h>

enum { TAGS_SHOWN = 5, NONE = TAGS_SHOWN, OTHERS, CELLS, FIRST_CELL = 2 };

static int by_thread(const void *a, const void *b)
{
    const struct tm_slot *one = *(const struct tm_slot *const *)a, *other = *(const struct tm_slot *const *)b;
    return (one->thread > other->thread) - (one->thread < other->thread);
}

/* Sorted, so that the slots of a thread are found without a search through all; for the caller to free. */
static const struct tm_slot **sort_slots(const struct tool_matrix *matrix)
{
    const struct tm_slot **slots = tool_allocate(matrix->slot_count, sizeof(struct tm_slot *));
    for (size_t i = 0; i < matrix->slot_count; i++)
        slots[i] = &matrix->slots[i];
    qsort(slots, matrix->slot_count, sizeof *slots, by_thread);
    return slots;
}

/* The index of the first slot of this thread, or of a later one. */
static size_t first_of(const struct tm_slot **slots, size_t count, uint64_t thread)
{
    size_t from = 0, to = count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (slots[middle]->thread < thread)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static int cell_of(const struct tool_matrix *matrix, int shown, int32_t tag)
{
    if (tag == 0)
        return NONE;
    for (int i = 0; i < shown; i++)
        if (matrix->tags[i].tag == tag)
            return i;
    return OTHERS;
}

static void add_up(const struct tool_matrix *matrix, int shown, const struct tm_slot **slots, uint64_t thread,
                   uint64_t live[CELLS])
{
    for (size_t i = first_of(slots, matrix->slot_count, thread); i < matrix->slot_count && slots[i]->thread == thread;
         i++)
        tool_add_saturating(&live[cell_of(matrix, shown, slots[i]->tag)], tm_live_bytes(&slots[i]->totals));
}

void tool_print_matrix(FILE *out, const struct tool_matrix *matrix)
{
    const int shown = matrix->tag_count < TAGS_SHOWN ? (int)matrix->tag_count : TAGS_SHOWN;
    const int cells = matrix->tag_count > TAGS_SHOWN ? CELLS : CELLS - 1;
    const struct tool_column cell = {.width = 12, .gap = 2};
    struct tool_column columns[FIRST_CELL + CELLS] = {{matrix->title, -16, 0}, {"TID", 9, 0}};
    for (int i = 0; i < CELLS; i++)
        columns[FIRST_CELL + i] = cell;
    struct tool_table table = {.out = out, .columns = columns};
    fputc('\n', out);
    tool_put_titles(&table, FIRST_CELL);
    for (int i = 0; i < shown; i++)
        tool_put_name(&table, matrix->tags[i].name);
    tool_put_text(&table, "(none)");
    if (cells == CELLS)
        tool_put_text(&table, "(others)");
    tool_end_row(&table);

    const struct tm_slot **slots = sort_slots(matrix);
    for (size_t i = 0; i < matrix->thread_count; i++) {
        const struct tool_matrix_thread *thread = &matrix->threads[i];
        uint64_t live[CELLS] = {0};
        add_up(matrix, shown, slots, thread->thread, live);
        tool_put_name(&table, thread->name);
        tool_put_pid(&table, thread->tid);
        for (int k = 0; k < cells; k++)
            if (k < shown || k >= NONE)
                tool_put_bytes(&table, live[k]);
        tool_end_row(&table);
    }
    free(slots);
}
