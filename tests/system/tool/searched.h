/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory with files that processes left, and a search that looks at them. */
#ifndef TM_TEST_SEARCHED_H
#define TM_TEST_SEARCHED_H

#include "common/find.h"
#include "support/suite.h"

enum { NOBODY = 65534, SOMEBODY = 12345, SOMEBODY_ELSE = 54321 }; /* of the last two nothing else runs */

extern char directory[64], moved[80]; /* where it is, and where it may be moved to */
void make_directory(void);
void remove_directory(void);
void empty(const char *path); /* removes a file, or a directory and its files */

/* As a process left it that was killed two minutes ago, as soon as it had begun. Where it is goes to `path`. */
void publish(const char *where, const char *name, char path[256]);
void publish_some(int count);
bool is_there(const char *path);

extern struct tool_search search;
extern int visits;
extern void (*at_visit)(void); /* NULL: nothing is done at a visit */
void visit(struct tm_reader *reader, void *arg);
void look(void);

/* Runs the cases, and `rooted` as root only; 0 if none failed. */
int run_as_it_may(const char *name, void (*add)(TCase *tcase), void (*add_rooted)(TCase *tcase),
                  void (*end_rooted)(void));

#endif
