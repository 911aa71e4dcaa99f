/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_TEXT_H
#define TM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct tool_text {
    FILE *out;
    char *bytes;
    size_t size, capacity;
};

/* A stream into memory. tool_close_text() returns the text, for the caller to free; NULL: memory ran out. */
bool tool_open_text(struct tool_text *text);
char *tool_close_text(struct tool_text *text);

#endif
