/* SPDX-License-Identifier: BSD-3-Clause */
/* The file's own parts; numbers in them are little-endian. For recording_read.c and recording_write.c. */
#ifndef TM_RECORDING_FORMAT_H
#define TM_RECORDING_FORMAT_H

#include <threadmeter/totals.h>

/* How many counters were added to struct tm_totals after version 2. */
#define RECORDING_LATER_COUNTERS ((int)(sizeof(struct tm_totals) / sizeof(uint64_t)) - 1 - 7)

#define RECORDING_MAGIC "\x89TMREC\r\n" /* not text, and what spoils line ends spoils it */
enum {
    RECORDING_VERSION = 2 + RECORDING_LATER_COUNTERS,
    RECORDING_VERSION_ROWS = 1, /* all of a row's fields behind each other, and threads as they were: read, no more */
    RECORDING_HEADER = 72,      /* bytes, with the checksum at the end */
    RECORDING_FRAME_HEAD = 8,   /* length, checksum */
    RECORDING_FRAME_MOST = 1 << 26, /* of its content, as it is before it is compressed */
};

/* First byte of a frame's payload. */
enum { PAYLOAD_PLAIN, PAYLOAD_DEFLATED };

/* First byte of the content. */
enum { CONTENT_READING = 1, CONTENT_END = 2 };

#endif
