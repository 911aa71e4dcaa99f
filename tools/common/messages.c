/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/messages.h"
#include "common/printable.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tool_command;

static __attribute__((format(printf, 1, 0))) void say(const char *format, va_list arguments, const char *end)
{
    fflush(stdout);
    fputs("threadmeter", stderr);
    if (tool_command)
        fprintf(stderr, " %s", tool_command);
    fputs(": ", stderr);
    /* tool_utf8(), since a name in it may be chosen by another user. A static buffer, since memory may be exhausted. */
    static char text[2 * PATH_MAX];
    vsnprintf(text, sizeof text, format, arguments);
    fputs(tool_utf8(text, sizeof text, text), stderr);
    fputs(end, stderr);
}

void tool_warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments, "\n");
    va_end(arguments);
}

int tool_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments, "\n");
    va_end(arguments);
    return TOOL_FAILED;
}

int tool_misused(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments, "");
    va_end(arguments);
    fputs("; ", stderr);
    return tool_bad_option();
}

int tool_bad_option(void)
{
    fprintf(stderr, "try 'threadmeter %s%s--help'\n", tool_command ? tool_command : "", tool_command ? " " : "");
    return TOOL_USAGE;
}
