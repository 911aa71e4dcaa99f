/* SPDX-License-Identifier: BSD-3-Clause */
/* Decides which names get a series. */
#ifndef TM_METRICS_LABELS_H
#define TM_METRICS_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOOL_LABEL = 64 };

/* A name that no running process has had for so long may lose its place to another one. */
#define TOOL_FORGOTTEN_NS (UINT64_C(3600) * 1000000000)

/* A name of threads, or of a tag, with what can be told of it but not of thread and tag together. */
struct tool_label {
    char text[TOOL_LABEL];
    uint64_t seen_ns; /* when a running process had it last: CLOCK_MONOTONIC */
    bool is_new;      /* it is new in this round, and has no series yet */
    uint64_t threads;
    uint64_t peak_bytes;
    uint64_t limit_bytes; /* 0: none */
    uint64_t limit_used_millionths;
};

/* The values of one label of one program. */
struct tool_labels {
    size_t top;
    size_t reserved;
    size_t count;
    struct tool_label *all;
    size_t *by_text; /* their numbers */
};

/* The first labels of each kind. */
enum { TOOL_OTHER, TOOL_EXITED, TOOL_SHARED }; /* of threads */
enum { TOOL_NO_TAG = 1 };                      /* of tags, after TOOL_OTHER */

/* A name that was seen in this round, and its weight. */
struct tool_candidate {
    const char *text;
    uint64_t live_bytes;
    uint64_t allocated_bytes;
};

void tool_labels_init(struct tool_labels *labels, size_t top, const char *const reserved[], size_t count);
void tool_labels_free(struct tool_labels *labels);
size_t tool_labels_find(const struct tool_labels *labels, const char *text); /* TOOL_OTHER if it has none of its own */

/*
 * Gives labels to the `top` heaviest of the candidates, whose order changes, and of which several may be of one name. A
 * name that has a label keeps it, so there may be up to twice as many. Then a new name takes the place of the one that
 * was a candidate longest ago, if that is an hour or more; otherwise it is an "other". True if there is a new label.
 */
bool tool_labels_admit(struct tool_labels *labels, struct tool_candidate *candidates, size_t count, uint64_t now_ns);

/* A name as a label: UTF-8, and never empty. */
void tool_name_label(char *label, size_t size, const char *name);

#endif
