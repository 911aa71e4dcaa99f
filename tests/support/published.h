/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory to publish in, and which files are in it. */
#ifndef TESTS_PUBLISHED_H
#define TESTS_PUBLISHED_H

#include "state/layout.h"
#include "support/support.h"

extern char directory[64];

/* Around each test; THREADMETER_PUBLISH is the directory. */
void make_directory(void);
void remove_directory(void);

/* Returns how many files there are, and the name of one. */
int count_files(char name[256]);

const struct tm__region *map_file_of(pid_t pid);
uint64_t live_in(const struct tm__region *region);

/* Runs the body in a child, and returns its wait status. */
pid_t start(void (*body)(void));
int end_of(pid_t child);

/* Allocates 1000 bytes, which are never freed. */
void allocate(void);

/* Keeps what goes to stderr from here on; and expects that it was "cannot publish", with this reason. */
int stderr_now(void);
void expect_said(int said, const char *why); /* that it cannot be published; NULL: nothing */

#endif
