/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes JSON value by value, so no memory is needed even for a hundred thousand rows. Errors stay in the stream. */
#include "common/json_writer.h"
#include "common/printable.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

static void put_text(struct tool_json *json, const char *text)
{
    FILE *out = json->out;
    putc('"', out);
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20 || (json->in_page && *text == '<'))
            fprintf(out, "\\u%04X", (unsigned)*text);
        else
            putc(*text, out);
    putc('"', out);
}

static void put_line_end(struct tool_json *json)
{
    if (!json->in_page)
        fprintf(json->out, "\n%*s", 2 * json->depth, "");
}

/* Writes what comes before each value: comma, line end, name. */
static void begin_value(struct tool_json *json, const char *name)
{
    if (json->depth > 0) {
        fputs(json->is_empty ? "" : ",", json->out);
        put_line_end(json);
    }
    json->is_empty = false;
    if (name) {
        put_text(json, name);
        fputs(json->in_page ? ":" : ": ", json->out);
    }
}

void tool_json_open(struct tool_json *json, const char *name, char bracket)
{
    begin_value(json, name);
    putc(bracket, json->out);
    json->depth++;
    json->is_empty = true;
}

void tool_json_close(struct tool_json *json, char bracket)
{
    json->depth--;
    if (!json->is_empty)
        put_line_end(json);
    json->is_empty = false;
    putc(bracket, json->out);
    if (json->depth == 0 && !json->in_page) /* the outermost value is complete */
        putc('\n', json->out);
}

void tool_json_insert(struct tool_json *json, const char *text)
{
    fputs(json->is_empty ? "" : ",", json->out);
    json->is_empty = false;
    fputs(text, json->out);
}

void tool_json_integer(struct tool_json *json, const char *name, int64_t value)
{
    begin_value(json, name);
    fprintf(json->out, "%" PRId64, value);
}

/* Of what a sound process says only a limit can be above 2^63, and none so high limits anything. */
void tool_json_number(struct tool_json *json, const char *name, uint64_t value)
{
    tool_json_integer(json, name, value < INT64_MAX ? (int64_t)value : INT64_MAX);
}

void tool_json_number_or_null(struct tool_json *json, const char *name, uint64_t value)
{
    if (value != 0)
        tool_json_number(json, name, value);
    else
        tool_json_null(json, name);
}

void tool_json_text(struct tool_json *json, const char *name, const char *text)
{
    char utf8[256];
    begin_value(json, name);
    put_text(json, tool_utf8(utf8, sizeof utf8, text));
}

void tool_json_path(struct tool_json *json, const char *name, const char *path)
{
    char utf8[PATH_MAX];
    begin_value(json, name);
    put_text(json, tool_utf8(utf8, sizeof utf8, path));
}

void tool_json_flag(struct tool_json *json, const char *name, bool value)
{
    begin_value(json, name);
    fputs(value ? "true" : "false", json->out);
}

void tool_json_null(struct tool_json *json, const char *name)
{
    begin_value(json, name);
    fputs("null", json->out);
}
