/* SPDX-License-Identifier: BSD-3-Clause */
/* Opens the process that a command works on. */
#ifndef TM_TARGET_H
#define TM_TARGET_H

#include <stdbool.h>

#include <threadmeter/reader.h>

/*
 * `target` is a pid or the path of a published file, of any user; or else, if there is no slash in it, the name of a
 * program that one process runs; or NULL for the only process that publishes. Returns NULL, with a message, if there is
 * no such process, or several have the name. A number that cannot be a pid ends the program: the command line is wrong.
 * `all_users`: a search includes files of other users.
 */
struct tm_reader *tool_open(const char *target, bool all_users);

#endif
