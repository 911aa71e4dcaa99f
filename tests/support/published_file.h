/* SPDX-License-Identifier: BSD-3-Clause */
/* A small file, as a process could have published it, for tests that damage it; and what the reader says of it then. */
#ifndef TESTS_PUBLISHED_FILE_H
#define TESTS_PUBLISHED_FILE_H

#include "support/reading.h"
#include "support/small_file.h"

enum { USED_SLOTS = 5, USED_TAGS = 3 };

/* Where the parts of the file are. */
#define SLOT(n, field) (SLOTS_OFFSET + (n) * sizeof(struct tm__slot) + offsetof(struct tm__slot, field))
#define TAG(n, field) (TAGS_OFFSET + (n) * sizeof(struct tm__tag) + offsetof(struct tm__tag, field))
#define GONE(n, field) (RETIRED_OFFSET + (n) * sizeof(struct tm__retired) + offsetof(struct tm__retired, field))
#define PAIR (FLOWS_OFFSET + offsetof(struct tm__flows, pairs[7].pairs[1]))
#define PARTY (FLOWS_OFFSET + offsetof(struct tm__flows, parties[9].parties[2]))
#define HEAD(field) offsetof(struct tm__head, field), sizeof((struct tm__head *)NULL)->field

/*
 * Slot 2: a thread that lives, in its third generation; slot 3: an orphan in a tag that has ended; slot 4: free; it was
 * the first slot of that orphan's thread. Tag 2. One flow. Retired row 1: of that
 * free slot; what is missing is of slot 2.
 */
extern char file_path[100];
extern int file;
void make_file(void); /* a fixture */
void remove_file(void);
void make_rows(void); /* and the head: all as it was */
void put(uint64_t offset, const void *bytes, size_t size);

/* Each message begins with the path. */
void expect_unopened(int error, const char *text);
void expect_unread(struct tm_reader *reader, const char *text);
void expect_damage(const char *text); /* it opens, but cannot be read */

/* Opens and reads it. Both may fail, but with a message. */
bool read_if_possible(void);

/* Closes the reader, unless it is NULL, and opens the file again. */
const struct tm_reading *read_new(struct tm_reader **reader);

#endif
