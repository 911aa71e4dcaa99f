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

#include "tool.h"

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

/* ---- recording_write.c ---- */

struct recording_writer;

/*
 * Begins a recording in an empty file that is open for writing; info->program and so on are of this process. A file
 * that cannot be written to is told by the first of the functions below.
 */
struct recording_writer *recording_begin(int fd, const struct recording_info *info);

/* Appends a reading. What does not fit in the file as a whole is not in it at all. */
int recording_add(struct recording_writer *writer, const struct recording_frame *frame);

/* Bytes in the file. */
uint64_t recording_size(const struct recording_writer *writer);

/*
 * Says why it ends (not RECORDING_CUT); if there is no room even for that, in the place of the last reading. The file is
 * the caller's to close.
 */
int recording_finish(struct recording_writer *writer, enum recording_end end);
void recording_discard(struct recording_writer *writer); /* without that; after recording_finish() it is not called */

/* ---- recording_read.c ---- */

struct recording;

enum { RECORDING_MESSAGE = 512 };

/* -EINVAL for what is no recording, -EPROTONOSUPPORT for one of another version, or what open() says. */
int recording_open(const char *path, struct recording **recording, char message[RECORDING_MESSAGE]);
void recording_close(struct recording *recording);

const struct recording_info *recording_info(const struct recording *recording);

/*
 * The next reading, or NULL after the last. It is the recording's, until the next call. Its rows are in the order in
 * which the file has them, that of their numbers, and not the largest first.
 */
const struct recording_frame *recording_next(struct recording *recording);

/* After the last reading: how the recording ends, and if a part of the file cannot be used, how large it is and why. */
struct recording_rest {
    enum recording_end end;
    uint64_t lost_bytes;
    const char *why; /* NULL: nothing is lost */
};
struct recording_rest recording_rest(const struct recording *recording);

/* Again from the first reading on. */
void recording_rewind(struct recording *recording);

#endif
