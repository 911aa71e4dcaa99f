/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of a recording: which one is opened, and when it is replaced or removed. */
#ifndef TM_RECORD_FILE_H
#define TM_RECORD_FILE_H

#include <stdbool.h>
#include <sys/types.h>

struct record_file {
    const char *path;
    int fd; /* the old content is still there */
    bool created;
    char named[64]; /* the default name, with the pid */
};

/*
 * Opens `output`; if that is NULL, the first of threadmeter-PID.tmrec, threadmeter-PID-2.tmrec, … that does not exist.
 * `force`: opens a file that exists, also a pipe or a character device. False, with a message, if that fails.
 */
bool record_file_open(struct record_file *file, const char *output, bool force, pid_t pid);

/* Closes it; removes it, if it was created here and nothing was written: `used` is false. Returns false as above. */
bool record_file_close(struct record_file *file, bool used);

#endif
