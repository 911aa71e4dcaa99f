/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each line that the library says of itself goes through here. It goes to fd 2 while that is the file that it was at the
 * start: a program may have closed that, and have its data there. A line that ends the program, or would without
 * THREADMETER_ON_ERROR, is written by every process; all others, which are notices, by none that has forked, become
 * another program or changed its user, for somebody may read its output who asked for no words of ours.
 */
#ifndef TM_MESSAGES_H
#define TM_MESSAGES_H

#include "base/text.h"

/*
 * Now is the start: of the process, with the file that is fd 2 now. The library's constructor does so; tests that put
 * another file there do it again.
 */
__attribute__((visibility("default"))) void tm__begin_messages(void);

/* The descriptor that a notice is to be written to, at once; -1: to none. */
__attribute__((visibility("default"))) int tm__fd_for_notice(void);

/* A notice of one line, whole. */
void tm__notice(const char *line);

/* A line that was put together without a descriptor: written, if it may be, and kept in tm__last_message. */
void tm__print_fatal(struct tm__text *text);

/* For a debugger, of a core dump too, where nobody saw the line. Part of what the manual promises. */
enum { TM__MESSAGE = 512 };
extern char tm__last_message[TM__MESSAGE] __attribute__((visibility("default")));

#endif
