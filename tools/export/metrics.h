/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turns readings of processes into the text format of Prometheus. It knows no input, no output but a FILE, no clock but
 * the times that it is given, and no reader.
 *
 * Gauges are written as they were read. Counters are kept here: the amount by which an account has grown since it
 * was last seen is added to the series that the account belongs to now. So no series ever decreases when a thread exits, is
 * renamed or gets a series of its own, and the sum over all series is what all processes did. A name that no running
 * process has had for an hour may lose its series (metrics_programs.c, metrics_labels.c); if it comes back, they begin
 * at 0.
 */
#ifndef TM_METRICS_H
#define TM_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <threadmeter/reader.h>

struct tool_metrics;

/* A process at one point in time. */
struct tool_view {
    uint64_t device, inode; /* of its file: together with started_ns they identify the process */
    const struct tm_reading *reading;
    uint64_t resident_bytes;
};

/* A point in time, by CLOCK_MONOTONIC and by CLOCK_REALTIME, which may be set. */
struct tool_moment {
    uint64_t monotonic_ns, real_ns;
};

/*
 * So many names of threads of a program, and of its tags, have series of their own: see tool_labels_admit(). `by_user`:
 * programs of one name are apart if they are of several users, and have the label `uid`.
 */
struct tool_metrics *tool_metrics_new(size_t threads, size_t tags, bool by_user, struct tool_moment now);
void tool_metrics_free(struct tool_metrics *metrics);

/* A round: begin, add each process once, end. Then it can be written. */
void tool_metrics_begin(struct tool_metrics *metrics, struct tool_moment now);
void tool_metrics_add(struct tool_metrics *metrics, const struct tool_view *view);
void tool_metrics_add_unreadable(struct tool_metrics *metrics);
void tool_metrics_skip(struct tool_metrics *metrics, size_t count); /* so many processes were left out of this round */
void tool_metrics_end(struct tool_metrics *metrics);

#endif
