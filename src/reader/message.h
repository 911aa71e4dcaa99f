/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages for a person, of functions that do not write anything themselves. */
#ifndef TM_MESSAGE_H
#define TM_MESSAGE_H

#include <threadmeter/reader.h>

/* `message` may be NULL. Control characters, of which a path may have any, are question marks. */
void tm__say(char message[TM_READER_MESSAGE], const char *format, ...) __attribute__((format(printf, 2, 3)));

int tm__no_memory(char message[TM_READER_MESSAGE]); /* -ENOMEM */

#endif
