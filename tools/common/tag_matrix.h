/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of what each thread owns in each tag. */
#ifndef TM_TAG_MATRIX_H
#define TM_TAG_MATRIX_H

#include <stddef.h>
#include <stdio.h>

#include <threadmeter/reader.h>

/* A row. The shared slots have no row, since they are in no tag. */
struct tool_matrix_thread {
    uint64_t thread;
    pid_t tid;
    const char *name;
};

/* A column. */
struct tool_matrix_tag {
    int32_t tag;
    const char *name;
};

struct tool_matrix {
    const char *title;
    const struct tool_matrix_thread *threads;
    size_t thread_count;
    const struct tool_matrix_tag *tags; /* the first few have a column each; all others are one column together */
    size_t tag_count;
    const struct tm_slot *slots; /* of all threads, in any order */
    size_t slot_count;
};

void tool_print_matrix(FILE *out, const struct tool_matrix *matrix);

#endif
