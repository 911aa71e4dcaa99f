/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages for people, from functions that return them and write nothing themselves. */
#ifndef TM_MESSAGE_H
#define TM_MESSAGE_H

#include <threadmeter/reader.h>

/* `message` may be NULL. Control characters, which a path may contain, become question marks. */
void tm__say(char message[TM_READER_MESSAGE], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says "out of memory", and returns -ENOMEM. */
int tm__no_memory(char message[TM_READER_MESSAGE]);

#endif
