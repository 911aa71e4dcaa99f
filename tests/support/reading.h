/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests of the reader share: a directory to publish in, and what must be true of any reading. */
#ifndef TESTS_READING_H
#define TESTS_READING_H

#include "support/support.h"

#include <sys/types.h>
#include <threadmeter/reader.h>

/* A fixture: a new directory in `publish_directory` and THREADMETER_PUBLISH, for a process that has not allocated yet. */
extern char publish_directory[64];
void make_publish_directory(void);
void remove_publish_directory(void);
TCase *add_publishing_case(Suite *suite, const char *name, double seconds); /* with that fixture */

struct tm_reader *open_pid(pid_t pid);
struct tm_reader *open_file(const char *path);

/* Makes a reading, and expects what must be true of any: see expect_sense(). */
const struct tm_reading *read_from(struct tm_reader *reader);

/*
 * No figure is negative or above its peak, slots and threads make the process's totals together with what is retired, rows
 * are in order, and each name ends within its array.
 */
void expect_sense(const struct tm_reading *reading);

/* The reading is, to the byte, what this process says of itself, while no thread of it allocates. */
void expect_same_as_here(const struct tm_reading *reading);

/* NULL if there is none. */
const struct tm_thread_reading *thread_named(const struct tm_reading *reading, const char *name);
const struct tm_tag_reading *tag_named(const struct tm_reading *reading, const char *name);

/* For tm_reader_each(): keeps the last path, and counts the paths. */
extern char found[4096];
extern int found_count;
int keep_path(const char *path, void *arg);
const char *find_file(const char *directory); /* the only published file there */

/* `text` has a %d for the pid. */
void expect_no_reader(pid_t pid, int error, const char *text);
#define PUBLISHES_NOTHING                                                                                              \
    "process %d publishes nothing; was it started by 'threadmeter run', or with THREADMETER_PUBLISH?"

#endif
