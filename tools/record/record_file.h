/* SPDX-License-Identifier: BSD-3-Clause */
/* The file that a recording goes to: what is opened, what is replaced, what is removed. */
#ifndef TM_RECORD_FILE_H
#define TM_RECORD_FILE_H

#include <stdbool.h>
#include <sys/types.h>

struct record_file {
    const char *path;
    int fd; /* what was in it is there still */
    bool created;
    char named[64]; /* after the process */
};

/*
 * `output`; or if that is NULL, threadmeter-PID.tmrec, or threadmeter-PID-2.tmrec and so on, the first that is not there.
 * `force`: what is there is opened; a pipe or a character device, too. False, with a message, if it cannot be.
 */
bool record_file_open(struct record_file *file, const char *output, bool force, pid_t pid);

/* `used`: there is something in it now. Otherwise it goes if it was created here, and is here still. False as above. */
bool record_file_close(struct record_file *file, bool used);

#endif
