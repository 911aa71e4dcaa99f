/* SPDX-License-Identifier: BSD-3-Clause */
/* The one process that a command is about. */
#ifndef TM_TARGET_H
#define TM_TARGET_H

#include <stdbool.h>

#include <threadmeter/reader.h>

/*
 * A pid or a file, whoever's it is; or NULL for the only process there is. NULL, with a message: there is none. Of a
 * number that can be no pid's it ends the program, as of a wrong command line.
 */
struct tm_reader *tool_open(const char *target, bool all_users);

#endif
