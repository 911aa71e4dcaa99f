/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_RECORD_LOOP_H
#define TM_RECORD_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <threadmeter/reader.h>

struct tool_child;

struct record_loop {
    int fd; /* of the recording: the first reading replaces the old content */
    const char *path;
    uint64_t every_ns, for_ns;
    bool quiet;
    struct tool_child *child; /* NULL: the process was not started by this tool */

    bool child_ended;  /* the results begin here */
    uint64_t readings; /* in the recording */
};

/* Waits until the child publishes. NULL: it has ended before. */
struct tm_reader *record_await(struct record_loop *loop);

/* Records until there is a reason to end, and closes the reader. Returns an exit code. */
int record_until_end(struct record_loop *loop, struct tm_reader *reader, pid_t pid);

#endif
