/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recordings: readings of one process over time, in a file (docs/formats/recording.md). This folder writes and reads
 * them, and does not know how they are shown.
 *
 * A file is not trusted: whatever is in it, the result is a reading that adds up, or an error that says what is wrong.
 * Functions return 0 or a negative errno value; `message` gets a sentence for the user.
 */
#ifndef TM_RECORDING_H
#define TM_RECORDING_H

#include "common/system.h"

#include <threadmeter/reader.h>

/* Of the whole recording. */
struct recording_info {
    pid_t pid;
    pid_t parent;
    uint64_t started_ns;  /* as tm_reading.started_ns */
    uint64_t recorded_ns; /* when recording began: CLOCK_REALTIME */
    uint64_t every_ns;    /* the interval between two readings that the user asked for */
    char program[16];
};

/* One reading. Its pid, parent, started_ns and program are the recording's. */
struct recording_frame {
    uint64_t elapsed_ns;       /* since recording began, by a monotonic clock */
    struct tool_memory memory; /* all 0: not known */
    struct tm_reading reading;
};

enum recording_end {
    RECORDING_CUT,       /* the file has no end record: it was not closed, or is still being recorded */
    RECORDING_ENDED,     /* the process ended */
    RECORDING_STOPPED,   /* the recorder got a signal */
    RECORDING_TIME_OVER, /* the time that the user asked for has passed */
    RECORDING_FAILED,    /* the process could not be read any more */
    RECORDING_UNWRITTEN, /* a reading could not be written any more: on a full disk, say */
    RECORDING_ENDS,
};

const char *recording_end_name(enum recording_end end); /* "ended", "time over" and so on */

#endif
