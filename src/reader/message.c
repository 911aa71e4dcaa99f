/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void tm__say(char message[TM_READER_MESSAGE], const char *format, ...)
{
    if (!message)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, TM_READER_MESSAGE, format, arguments);
    va_end(arguments);
    for (unsigned char *at = (unsigned char *)message; *at; at++)
        if (*at < ' ' || *at == 0x7f)
            *at = '?';
        else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) /* the control characters U+0080 to U+009F in UTF-8 */
            at[0] = at[1] = '?';
}

int tm__no_memory(char message[TM_READER_MESSAGE])
{
    tm__say(message, "out of memory");
    return -ENOMEM;
}
