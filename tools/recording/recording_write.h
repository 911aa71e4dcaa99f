/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a recording. */
#ifndef TM_RECORDING_WRITE_H
#define TM_RECORDING_WRITE_H

#include "recording/recording.h"

struct recording_writer;

/*
 * Begins a recording in an empty file that is open for writing; `info` describes the recorded process. If the file
 * cannot be written to, the first call of a function below reports it.
 */
struct recording_writer *recording_begin(int fd, const struct recording_info *info);

/* Appends a reading. If there is no room for the whole, nothing of it is written. */
int recording_add(struct recording_writer *writer, const struct recording_frame *frame);

/* The size of the file, in bytes. */
uint64_t recording_size(const struct recording_writer *writer);

/*
 * Writes why the recording ends (not RECORDING_CUT); if there is no room for it, in the place of the last reading. The
 * caller closes the file.
 */
int recording_finish(struct recording_writer *writer, enum recording_end end);

/* Frees the writer without an end. Not after recording_finish(). */
void recording_discard(struct recording_writer *writer);

#endif
