/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers and times in the form that people read and write. */
#ifndef TM_NUMBERS_H
#define TM_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { TOOL_BYTES = 16 };
char *tool_format_bytes(char text[TOOL_BYTES], uint64_t bytes); /* "12.3 KiB": at most 9 columns */
bool tool_parse_seconds(const char *text, uint64_t *ns);        /* "100ms", "2s", "1.5", "1m": above 0, at most a day */
bool tool_parse_bytes(const char *text, uint64_t *bytes);       /* "10", "64M": in K, M or G, below 2^64 */

/*
 * Parses a pid: digits only, from 1 to INT_MAX. *pid is 0 if the text is no number, such as the name of a file. False
 * for any other number, which no process can have: 0, -5. +5 and " 5" give false, too: they are neither a pid nor a
 * file.
 */
bool tool_parse_pid(const char *text, pid_t *pid);

#endif
