/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory with files that processes left, and a search of it. */
#ifndef TM_TEST_SEARCHED_H
#define TM_TEST_SEARCHED_H

#include "common/find.h"
#include "support/suite.h"

enum { NOBODY = 65534, SOMEBODY = 12345, SOMEBODY_ELSE = 54321 }; /* the last two have no other processes */

extern char directory[64], moved[80]; /* its path, and the path to which a test may move it */
void make_directory(void);
void remove_directory(void);
void empty(const char *path); /* removes a file, or a directory and its files */

/* Makes the file of a process that was killed two minutes ago, soon after its start. Stores its path in `path`. */
void publish(const char *where, const char *name, char path[256]);
void publish_some(int count);
bool is_there(const char *path);

extern struct tool_search search;
extern int visits;
extern void (*at_visit)(void); /* called at each visit, unless NULL */
void visit(struct tm_reader *reader, void *arg);
void look(void);

/* Runs the tests of `add`, and as root also those of `add_rooted`; returns 0 if none failed. */
int run_as_it_may(const char *name, void (*add)(TCase *tcase), void (*add_rooted)(TCase *tcase),
                  void (*end_rooted)(void));

#endif
