/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A published file as bytes. It is read, not mapped: one that is cut off under a mapping ends its reader by a signal.
 * Nothing in it is believed before it is checked here; the rest of the reader deals with rows whose places are right.
 *
 * What is read is the reader's own: that fields of src/layout.h are atomic is of no matter to it. Each word is whole,
 * and words are in order only from one reading to the next, by the fence in tm__read_source().
 */
#ifndef TM_SOURCE_H
#define TM_SOURCE_H

#include "state/layout.h"
#include "reader/process.h"

#include <stdbool.h>
#include <threadmeter/reader.h>

/* What is checked of a head. */
struct tm__places {
    uint64_t tags_offset, slots_offset, flows_offset;
    uint32_t tag_places, slot_places;
};

struct tm__source {
    int fd;
    char *path;
    dev_t device;
    ino_t inode;
    uid_t uid;
    struct tm__places places;
    /* Whose it is: does not change. */
    struct tm__who who;
    pid_t parent;
    uint32_t locked;
    uint64_t started_ns;
    char program[TM__NAME];
};

/* 0, or a negative errno value, with a message. `fd` is the source's, or closed. */
int tm__open_source(int fd, const char *path, struct tm__source *source, char message[TM_READER_MESSAGE]);
void tm__close_source(struct tm__source *source);

/* All of `size` bytes; false if the file has no longer so many. */
bool tm__read_source(const struct tm__source *source, void *bytes, size_t size, uint64_t offset);
int tm__cut_off(const struct tm__source *source, char message[TM_READER_MESSAGE]); /* says so: -EINVAL */

/* How many rows are used, and what else of the head changes. 0; or -EINVAL, with a message, if that cannot be so. */
int tm__read_used(const struct tm__source *source, struct tm__head *head, char message[TM_READER_MESSAGE]);

#endif
