/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes JSON value by value, without allocating memory. Errors stay in the stream, and its owner checks them. `name`
 * is the name of a value in an object; NULL in an array, and for the outermost value.
 */
#ifndef TM_JSON_WRITER_H
#define TM_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct tool_json {
    FILE *out;
    bool in_page;  /* inside HTML: no blanks and no line ends; < as \u003c, so that no text can end its element */
    int depth;     /* the writer's own, as all that follows: begins as 0 */
    bool is_empty; /* nothing is in what was opened last */
};

/* bracket: { or [; and then } or ]. */
void tool_json_open(struct tool_json *json, const char *name, char bracket);
void tool_json_close(struct tool_json *json, char bracket);

void tool_json_integer(struct tool_json *json, const char *name, int64_t value);
/* At most 2^63 - 1, which all parsers accept. */
void tool_json_number(struct tool_json *json, const char *name, uint64_t value);
void tool_json_number_or_null(struct tool_json *json, const char *name, uint64_t value); /* null: 0 */
void tool_json_flag(struct tool_json *json, const char *name, bool value);
void tool_json_null(struct tool_json *json, const char *name);
/* The text passes through tool_utf8(), and is cut at 255 bytes. */
void tool_json_text(struct tool_json *json, const char *name, const char *text);
void tool_json_path(struct tool_json *json, const char *name, const char *path); /* whole: up to PATH_MAX */

/* Inserts text that another writer made, with this depth and is_empty set: a value, with or without a name. */
void tool_json_insert(struct tool_json *json, const char *text);

#endif
