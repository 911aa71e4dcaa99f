/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A published file as bytes. It is read, not mapped: if a mapped file is truncated, its reader gets SIGBUS. The head is
 * checked here before anything of it is used; the rest of the reader can rely on the places of the rows.
 *
 * What is read is in the reader's own memory, so it does not matter here that fields in state/layout.h are atomic. Each
 * word is whole; but only what is read by two calls is in order, by the fence in tm__read_source().
 */
#ifndef TM_SOURCE_H
#define TM_SOURCE_H

#include "state/layout.h"
#include "reader/process.h"

#include <stdbool.h>
#include <threadmeter/reader.h>

/* Where the rows are, as the head says: checked. */
struct tm__places {
    uint64_t tags_offset, retired_offset, slots_offset, flows_offset;
    uint32_t tag_places, retired_places, slot_places;
};

struct tm__source {
    int fd;
    char *path;
    dev_t device;
    ino_t inode;
    uid_t uid;
    struct tm__places places;
    /* About the process that publishes it. This does not change. */
    struct tm__publisher publisher;
    pid_t parent;
    uint32_t locked;
    uint64_t started_ns;
    char program[TM__NAME];
};

/* Returns 0, or a negative errno value with a message. Takes `fd`: on an error it is closed. */
int tm__open_source(int fd, const char *path, struct tm__source *source, char message[TM_READER_MESSAGE]);
void tm__close_source(struct tm__source *source);

/* Reads `size` bytes; false if the file does not have so many any more. */
bool tm__read_source(const struct tm__source *source, void *bytes, size_t size, uint64_t offset);

/* Makes a message that says so, and returns -EINVAL. */
int tm__cut_off(const struct tm__source *source, char message[TM_READER_MESSAGE]);

/* Reads the head again, for the fields that change. Returns 0; or -EINVAL, with a message, if they are impossible. */
int tm__read_used(const struct tm__source *source, struct tm__head *head, char message[TM_READER_MESSAGE]);

#endif
