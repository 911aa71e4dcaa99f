/* SPDX-License-Identifier: BSD-3-Clause */
/* Decides which names get a series. This file knows names and weights only. */
#include "export/metrics_labels.h"
#include "common/allocate.h"
#include "common/printable.h"
#include "common/totals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The index, in the order of texts, of the first label that is not before this one. */
static size_t place_of(const struct tool_labels *labels, const char *text)
{
    size_t low = 0, high = labels->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(labels->all[labels->by_text[middle]].text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct tool_label *find_own(const struct tool_labels *labels, const char *text)
{
    size_t place = place_of(labels, text);
    struct tool_label *label = place < labels->count ? &labels->all[labels->by_text[place]] : NULL;
    return label && strcmp(label->text, text) == 0 ? label : NULL;
}

size_t tool_labels_find(const struct tool_labels *labels, const char *text)
{
    const struct tool_label *label = find_own(labels, text);
    return label ? (size_t)(label - labels->all) : TOOL_OTHER;
}

/* Into order: `number` is not yet in it, and all others are, in the first labels->count - 1 places. */
static void insert(struct tool_labels *labels, size_t number)
{
    size_t *order = labels->by_text, all = labels->count--;
    size_t place = place_of(labels, labels->all[number].text);
    memmove(order + place + 1, order + place, (labels->count - place) * sizeof *order);
    order[place] = number;
    labels->count = all;
}

static void put_at(struct tool_labels *labels, size_t number, const char *text, uint64_t now_ns)
{
    labels->all[number] = (struct tool_label){.seen_ns = now_ns, .is_new = true};
    snprintf(labels->all[number].text, sizeof labels->all[number].text, "%s", text);
    insert(labels, number);
}

static void append(struct tool_labels *labels, const char *text, uint64_t now_ns)
{
    size_t number = labels->count++;
    labels->all = tool_resize(labels->all, labels->count, sizeof *labels->all);
    labels->by_text = tool_resize(labels->by_text, labels->count, sizeof *labels->by_text);
    put_at(labels, number, text, now_ns);
}

static void replace(struct tool_labels *labels, size_t number, const char *text, uint64_t now_ns)
{
    size_t place = place_of(labels, labels->all[number].text), *order = labels->by_text;
    memmove(order + place, order + place + 1, (labels->count - place - 1) * sizeof *order);
    put_at(labels, number, text, now_ns);
}

/* The place of the one that was seen longest ago, if that is long enough; 0: there is none. */
static size_t find_forgotten(const struct tool_labels *labels, uint64_t now_ns)
{
    size_t oldest = 0;
    for (size_t i = labels->reserved; i < labels->count; i++)
        if (now_ns - labels->all[i].seen_ns > TOOL_FORGOTTEN_NS &&
            (oldest == 0 || labels->all[i].seen_ns < labels->all[oldest].seen_ns))
            oldest = i;
    return oldest;
}

void tool_labels_init(struct tool_labels *labels, size_t top, const char *const reserved[], size_t count)
{
    *labels = (struct tool_labels){.top = top, .reserved = count};
    for (size_t i = 0; i < count; i++)
        append(labels, reserved[i], 0);
}

void tool_labels_free(struct tool_labels *labels)
{
    free(labels->all);
    free(labels->by_text);
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

/* Returns how many are left. */
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

static bool admit(struct tool_labels *labels, const char *text, uint64_t now_ns)
{
    if (labels->count - labels->reserved < 2 * labels->top) {
        append(labels, text, now_ns);
        return true;
    }
    size_t forgotten = find_forgotten(labels, now_ns);
    if (forgotten > 0)
        replace(labels, forgotten, text, now_ns);
    return forgotten > 0;
}

bool tool_labels_admit(struct tool_labels *labels, struct tool_candidate *candidates, size_t count, uint64_t now_ns)
{
    bool any = false, full = false;
    for (size_t i = 0; i < labels->count; i++)
        labels->all[i].is_new = false;
    count = merge_namesakes(candidates, count);
    for (size_t i = 0; i < count; i++) {
        struct tool_label *known = find_own(labels, candidates[i].text);
        if (known)
            known->seen_ns = now_ns;
    }
    qsort(candidates, count, sizeof *candidates, by_weight);
    for (size_t i = 0; i < count && i < labels->top && !full; i++)
        if (!find_own(labels, candidates[i].text)) {
            full = !admit(labels, candidates[i].text, now_ns);
            any |= !full;
        }
    return any;
}

void tool_name_label(char *label, size_t size, const char *name)
{
    tool_utf8(label, size, name);
    if (!*label) /* for Prometheus, an empty label is no label */
        snprintf(label, size, "(unnamed)");
}
