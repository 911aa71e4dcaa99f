/* SPDX-License-Identifier: BSD-3-Clause */
#include "tool.h"

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
    /* It may have a name in it that somebody else chose, as a file's in his directory. */
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    if (length >= 0)
        fputs(tool_utf8(text, (size_t)length + 1, text), stderr);
    free(length >= 0 ? text : NULL);
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
    say(format, arguments, "; see --help\n");
    va_end(arguments);
    return TOOL_USAGE;
}

static void *require(void *memory)
{
    if (!memory)
        exit(tool_fail("out of memory"));
    return memory;
}

void *tool_allocate(size_t count, size_t size)
{
    return require(calloc(count ? count : 1, size));
}

void *tool_resize(void *memory, size_t count, size_t size)
{
    return require(reallocarray(memory, count ? count : 1, size));
}
