/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_RECORD_LOOP_H
#define TM_RECORD_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <threadmeter/reader.h>

struct tool_child;

struct record_loop {
    int fd; /* of the recording: what is in it is replaced by the first reading */
    const char *path;
    uint64_t every_ns, for_ns;
    bool quiet;
    struct tool_child *child; /* NULL: the process is none that we started */

    bool child_ended;  /* from here on, what came of it */
    uint64_t readings; /* in the recording */
};

/* Waits until the child publishes, or has ended: then NULL. */
struct tm_reader *record_await(struct record_loop *loop);

/* Records until there is a reason to end. Closes the reader. An exit code. */
int record_until_end(struct record_loop *loop, struct tm_reader *reader, pid_t pid);

#endif
