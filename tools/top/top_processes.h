/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_TOP_PROCESSES_H
#define TM_TOP_PROCESSES_H

#include "top/top_model.h"

/* All processes there are. */
struct top_processes {
    bool all_users;
    struct top_list list;
    char **paths; /* of their files, by the rows' place */
    size_t count;
};

/* A begin, an add for each, and tool_top_end() of the list: or all that can be seen. */
void tool_top_begin_processes(struct top_processes *processes, uint64_t time_ns);
void tool_top_read_processes(struct top_processes *processes, uint64_t time_ns);
void tool_top_add_process(struct top_processes *processes, const struct tm_reading *reading, const char *path);
const char *tool_top_path(const struct top_processes *processes, const struct top_row *row);
/* The file that is at the row's path, if it is the same user's still. 0, or -errno with a message. */
int tool_top_open(const struct top_processes *processes, const struct top_row *row, struct tm_reader **reader,
                  char message[TM_READER_MESSAGE]);
void tool_top_free_processes(struct top_processes *processes);

#endif
