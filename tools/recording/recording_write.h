/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a recording. */
#ifndef TM_RECORDING_WRITE_H
#define TM_RECORDING_WRITE_H

#include "recording/recording.h"

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

#endif
