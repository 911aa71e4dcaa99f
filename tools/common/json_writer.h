/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON, written value by value; needs no memory. What goes wrong is the stream's, and told by who flushes that. `name` is
 * a value's in an object; NULL in an array, and of what is in neither.
 */
#ifndef TM_JSON_WRITER_H
#define TM_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct tool_json {
    FILE *out;
    bool in_page;  /* of HTML: no blanks and ends of lines; < as \u003c, so that no text ends the element it is in */
    int depth;     /* from here on the writer's own: 0 */
    bool is_empty; /* what was opened last, so far */
};

/* bracket: { or [; and then } or ]. */
void tool_json_open(struct tool_json *json, const char *name, char bracket);
void tool_json_close(struct tool_json *json, char bracket);

void tool_json_integer(struct tool_json *json, const char *name, int64_t value);
void tool_json_number(struct tool_json *json, const char *name, uint64_t value); /* 2^63 - 1 at most, as parsers take */
void tool_json_number_or_null(struct tool_json *json, const char *name, uint64_t value); /* null: 0 */
void tool_json_flag(struct tool_json *json, const char *name, bool value);
void tool_json_null(struct tool_json *json, const char *name);
void tool_json_text(struct tool_json *json, const char *name, const char *text); /* by tool_utf8(), 255 bytes at most */

/* A value that was written before, with a name or none, by a writer of the same depth into something empty. */
void tool_json_insert(struct tool_json *json, const char *text);

#endif
