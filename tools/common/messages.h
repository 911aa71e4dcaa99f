/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages on stderr, and exit codes. */
#ifndef TM_MESSAGES_H
#define TM_MESSAGES_H

/* Exit codes, as in the manual. */
enum {
    TOOL_OK = 0,
    TOOL_FAILED = 1, /* the command failed, and a message on stderr has said why */
    TOOL_USAGE = 2,  /* the command line is wrong */
};

/* "threadmeter COMMAND: …\n" on stderr. tool_fail() returns TOOL_FAILED, tool_misused() TOOL_USAGE. */
extern const char *tool_command;
void tool_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
int tool_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int tool_misused(const char *format, ...) __attribute__((format(printf, 1, 2))); /* adds: try … --help */
int tool_bad_option(void); /* after getopt_long() has printed a message: adds the same, and returns TOOL_USAGE */

#endif
