/* SPDX-License-Identifier: BSD-3-Clause */
/* Which names get a series. Knows of names and weights only. */
#include "metrics_books.h"

#include <stdlib.h>
#include <string.h>

static void append(struct tool_labels *labels, const char *text)
{
    labels->all = tool_resize(labels->all, labels->count + 1, sizeof *labels->all);
    struct tool_label *label = &labels->all[labels->count++];
    *label = (struct tool_label){0};
    snprintf(label->text, sizeof label->text, "%s", text);
}

void tool_labels_init(struct tool_labels *labels, size_t top, const char *const reserved[], size_t count)
{
    *labels = (struct tool_labels){.top = top, .reserved = count};
    for (size_t i = 0; i < count; i++)
        append(labels, reserved[i]);
}

size_t tool_labels_find(const struct tool_labels *labels, const char *text)
{
    for (size_t i = 0; i < labels->count; i++)
        if (strcmp(labels->all[i].text, text) == 0)
            return i;
    return TOOL_OTHER;
}

static bool is_known(const struct tool_labels *labels, const char *text)
{
    return strcmp(labels->all[tool_labels_find(labels, text)].text, text) == 0;
}

static int by_text(const void *a, const void *b)
{
    const struct tool_candidate *one = a, *two = b;
    return strcmp(one->text, two->text);
}

static int by_weight(const void *a, const void *b)
{
    const struct tool_candidate *one = a, *two = b;
    if (one->live_bytes != two->live_bytes)
        return one->live_bytes > two->live_bytes ? -1 : 1;
    if (one->allocated_bytes != two->allocated_bytes)
        return one->allocated_bytes > two->allocated_bytes ? -1 : 1;
    return strcmp(one->text, two->text);
}

/* Returns how many there are then. */
static size_t merge_namesakes(struct tool_candidate *candidates, size_t count)
{
    size_t merged = 0;
    qsort(candidates, count, sizeof *candidates, by_text);
    for (size_t i = 0; i < count; i++) {
        if (merged > 0 && strcmp(candidates[merged - 1].text, candidates[i].text) == 0) {
            tool_add_saturating(&candidates[merged - 1].live_bytes, candidates[i].live_bytes);
            tool_add_saturating(&candidates[merged - 1].allocated_bytes, candidates[i].allocated_bytes);
        } else {
            candidates[merged++] = candidates[i];
        }
    }
    return merged;
}

void tool_labels_admit(struct tool_labels *labels, struct tool_candidate *candidates, size_t count)
{
    if (count == 0)
        return;
    count = merge_namesakes(candidates, count);
    qsort(candidates, count, sizeof *candidates, by_weight);
    for (size_t i = 0; i < count && i < labels->top; i++)
        if (!is_known(labels, candidates[i].text) && labels->count - labels->reserved < 2 * labels->top)
            append(labels, candidates[i].text);
}
