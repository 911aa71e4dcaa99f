/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recordings: readings of one process over time, in a file (docs/formats/recording.md). This writes and reads them, and
 * knows nothing of what they are shown as.
 *
 * A file is not trusted: whatever is in it, what comes out is a reading that adds up, or an error that says what is
 * wrong. Functions return 0 or a negative errno value; `message` gets a sentence for a person.
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
    uint64_t every_ns;    /* between two readings, as was asked for */
    char program[16];
};

/* One reading. Its pid, parent, started_ns and program are the recording's. */
struct recording_frame {
    uint64_t elapsed_ns;       /* since recording began, by a clock that never goes back */
    struct tool_memory memory; /* all 0: not known */
    struct tm_reading reading;
};

enum recording_end {
    RECORDING_CUT,       /* there is no end: it was not closed, or is being recorded still */
    RECORDING_ENDED,     /* the process ended */
    RECORDING_STOPPED,   /* by a signal, to the recorder */
    RECORDING_TIME_OVER, /* after as long as was asked for */
    RECORDING_FAILED,    /* the process could not be read any more */
    RECORDING_UNWRITTEN, /* what was read could not be written any more: a full disk, say */
    RECORDING_ENDS,
};

const char *recording_end_name(enum recording_end end); /* "ended", "time over" and so on */

#endif
