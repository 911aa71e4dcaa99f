/* SPDX-License-Identifier: BSD-3-Clause */
/* A recording of the made-up process, in memory; a file for what is made of it; and whether that reads as it was written. */
#ifndef TESTS_RECORDING_IMAGE_H
#define TESTS_RECORDING_IMAGE_H

#include "made_up.h"

enum { FRAMES = 16, SEED = 11 };

extern struct made_up process; /* large */
extern uint8_t *image;
extern size_t image_size, frame_ends[FRAMES + 1];
extern char path[64]; /* of a file in memory, since the tests write thousands of files, one after another */
extern int file;

/* Fixtures: an image as recording_write.c writes it; one of version 1, which is still read; and the end of both. */
void make_image(void);
void make_old_image(void);
void clear_up(void);

void write_file(const void *data, size_t size);
struct recording *open_file(void); /* fails unless it is a recording */

/* How many frames end within the first `size` bytes of the image. */
size_t whole_frames(size_t size);

/* Fails unless the file's readings are the first ones that were written; returns how many there are. */
size_t expect_beginning(struct recording *recording);

#endif
