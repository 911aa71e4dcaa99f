/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads a recording. */
#ifndef TM_RECORDING_READ_H
#define TM_RECORDING_READ_H

#include "recording/recording.h"

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
