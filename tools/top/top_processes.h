/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_TOP_PROCESSES_H
#define TM_TOP_PROCESSES_H

#include "top/top_model.h"

/* The list of all processes that publish. */
struct top_processes {
    bool all_users;
    struct top_list list;
    char **paths; /* their files, by the rows' place */
    size_t count;
};

/* Fills the list: begin, one add for each process, then tool_top_end() for the list. */
void tool_top_begin_processes(struct top_processes *processes, uint64_t time_ns);
void tool_top_add_process(struct top_processes *processes, const struct tm_reading *reading, const char *path);
/* Does all of this, for each process that can be found. */
void tool_top_read_processes(struct top_processes *processes, uint64_t time_ns);
const char *tool_top_path(const struct top_processes *processes, const struct top_row *row);
/* Opens the file at the row's path, if its owner is still the same user. Returns 0, or -errno with a message. */
int tool_top_open(const struct top_processes *processes, const struct top_row *row, struct tm_reader **reader,
                  char message[TM_READER_MESSAGE]);
void tool_top_free_processes(struct top_processes *processes);

#endif
