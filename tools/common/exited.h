/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads that are gone, by name. */
#ifndef TM_EXITED_H
#define TM_EXITED_H

#include <threadmeter/reader.h>

/* All threads of one name, in all tags. */
struct tool_exited {
    char name[32]; /* or "(N more)" */
    uint64_t threads;
    struct tm_totals totals; /* the peak is the highest of one thread */
};

/* An array to be freed, the highest peak first. */
struct tool_exited *tool_exited_by_name(const struct tm_retired *rows, size_t row_count, size_t *count);

void tool_exited_add(struct tool_exited *sum, const struct tool_exited *more);

#endif
