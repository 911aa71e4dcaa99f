/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory to publish in, and what is found there. */
#ifndef TESTS_PUBLISHED_H
#define TESTS_PUBLISHED_H

#include "state/layout.h"
#include "support/support.h"

extern char directory[64];

/* Around each test; THREADMETER_PUBLISH is the directory. */
void make_directory(void);
void remove_directory(void);

/* How many files there are; the name of one. */
int count_files(char name[256]);

const struct tm__region *map_file_of(pid_t pid);
uint64_t live_in(const struct tm__region *books);

/* A child that does this, and its wait status. */
pid_t start(void (*body)(void));
int end_of(pid_t child);

/* 1000 bytes more, for good. */
void allocate(void);

/* From here on what goes to stderr is kept; that it was "cannot publish", and why. */
int stderr_now(void);
void expect_said(int said, const char *why); /* that it cannot be published; NULL: nothing */

#endif
