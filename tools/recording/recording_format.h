/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of the file, for recording_read.c and recording_write.c; numbers in them are little-endian. */
#ifndef TM_RECORDING_FORMAT_H
#define TM_RECORDING_FORMAT_H

#include <threadmeter/totals.h>

/* How many counters were added to struct tm_totals after version 2. */
#define RECORDING_LATER_COUNTERS ((int)(sizeof(struct tm_totals) / sizeof(uint64_t)) - 1 - 7)

/* The magic shows that the file is no text, and whether a transfer has changed line ends. */
#define RECORDING_MAGIC "\x89TMREC\r\n"
enum {
    RECORDING_VERSION = 2 + RECORDING_LATER_COUNTERS,
    RECORDING_VERSION_ROWS = 1,     /* read only: all fields of a row one after another, and all threads */
    RECORDING_HEADER = 72,          /* bytes, with the checksum at the end */
    RECORDING_FRAME_HEAD = 8,       /* length, checksum */
    RECORDING_FRAME_MOST = 1 << 26, /* of its content, before it is compressed */
};

/* First byte of a frame's payload. */
enum { PAYLOAD_PLAIN, PAYLOAD_DEFLATED };

/* First byte of the content. */
enum { CONTENT_READING = 1, CONTENT_END = 2 };

#endif
