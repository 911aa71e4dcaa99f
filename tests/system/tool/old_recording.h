/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes recordings of version 1 (docs/formats/recording.md). Nothing is compressed: in a file a frame may be so. */
#ifndef TESTS_OLD_RECORDING_H
#define TESTS_OLD_RECORDING_H

#include "recording/recording.h"
#include "recording/recording_read.h"

struct old_recording;

struct old_recording *old_recording_begin(int fd, const struct recording_info *info);
void old_recording_add(struct old_recording *recording, const struct recording_frame *frame);
void old_recording_finish(struct old_recording *recording, enum recording_end end);

#endif
