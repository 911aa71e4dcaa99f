/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads a recording. */
#ifndef TM_RECORDING_READ_H
#define TM_RECORDING_READ_H

#include "recording/recording.h"

struct recording;

enum { RECORDING_MESSAGE = 512 };

/* -EINVAL if the file is no recording, -EPROTONOSUPPORT if it has another version, or the error of open(). */
int recording_open(const char *path, struct recording **recording, char message[RECORDING_MESSAGE]);
void recording_close(struct recording *recording);

const struct recording_info *recording_info(const struct recording *recording);

/*
 * The next reading, or NULL after the last. It belongs to the recording, and is valid until the next call. Its rows are
 * in the order of the file, sorted by their numbers, not by size.
 */
const struct recording_frame *recording_next(struct recording *recording);

/* After the last reading: how the recording ends; if a part of the file cannot be used, how large it is, and why. */
struct recording_rest {
    enum recording_end end;
    uint64_t lost_bytes;
    const char *why; /* NULL: nothing is lost */
};
struct recording_rest recording_rest(const struct recording *recording);

/* Begins again with the first reading. */
void recording_rewind(struct recording *recording);

#endif
