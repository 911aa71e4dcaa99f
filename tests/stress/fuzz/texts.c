/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "blocks.h"
#include "calls.h"
#include "input.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <threadmeter/malloc.h>

enum { LONGEST = 2048 };

/* A string of `length` letters. */
static const char *text_of(size_t length)
{
    static char text[LONGEST + 1];
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('a' + i % 26);
    text[length] = '\0';
    return text;
}

static void keep_text(struct block *block, char *copy, const char *text)
{
    EXPECT(copy && strcmp(copy, text) == 0, "a copy of %zu letters is wrong", strlen(text));
    keep(block, copy, strlen(text) + 1, 16);
}

void call_strdup(void)
{
    struct block *block = take_empty_place();
    const char *text = text_of(take_size() % LONGEST);
    keep_text(block, tm_strdup(text), text);
}

void call_strndup(void)
{
    struct block *block = take_empty_place();
    size_t length = take_size() % LONGEST, most = take_size() % LONGEST;
    char *copy = tm_strndup(text_of(length), most);
    keep_text(block, copy, text_of(length < most ? length : most));
}

void call_wcsdup(void)
{
    struct block *block = take_empty_place();
    wchar_t text[64];
    size_t length = take_byte() % 64;
    wmemset(text, L'ß', length);
    text[length] = L'\0';
    wchar_t *copy = tm_wcsdup(text);
    EXPECT(copy && wcscmp(copy, text) == 0, "a copy of %zu wide letters is wrong", length);
    keep(block, copy, (length + 1) * sizeof *text, 16);
}

__attribute__((format(printf, 2, 3))) static int print_by_list(char **result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = tm_vasprintf(result, format, arguments);
    va_end(arguments);
    return length;
}

void call_asprintf(void)
{
    struct block *block = take_empty_place();
    bool by_list = take_byte() % 2;
    const char *text = text_of(take_size() % (LONGEST - 2));
    char *printed, expected[LONGEST + 16];
    int length = (by_list ? print_by_list : tm_asprintf)(&printed, "%s-%d", text, by_list);
    snprintf(expected, sizeof expected, "%s-%d", text, by_list);
    EXPECT(length == (int)strlen(expected), "asprintf gives %d, not %zu", length, strlen(expected));
    keep_text(block, printed, expected);
}

void call_path(void)
{
    struct block *block = take_empty_place();
    char here[PATH_MAX];
    EXPECT(getcwd(here, sizeof here), "getcwd");
    size_t size = strlen(here) + 1 + take_byte();
    switch (take_byte() % 5) {
    case 0:
        keep_text(block, tm_realpath("/./", NULL), "/");
        break;
    case 1:
        keep_text(block, tm_canonicalize_file_name("/../"), "/");
        break;
    case 2:
        keep_text(block, tm_getcwd(NULL, 0), here);
        break;
    case 3:
        keep(block, tm_getcwd(NULL, size), size, 16);
        break;
    case 4:
        EXPECT(!tm_realpath("/no such file", NULL) && errno == ENOENT, "realpath finds what is not there");
        break;
    }
}

/* A file of one line with `length` letters; if `last`, that is all, else a newline and a second line follow. */
static FILE *file_of(size_t length, bool last)
{
    static char contents[LONGEST + 8];
    int written = snprintf(contents, sizeof contents, "%s%s", text_of(length), last ? "" : "\nmore");
    return written == 0 ? fopen("/dev/null", "r") : fmemopen(contents, (size_t)written, "r");
}

/*
 * Reads a line into the block at a place, or into a new one. The library chooses by how much a block grows, but it
 * promises to charge exactly *size bytes.
 */
void call_getline(void)
{
    struct block *block = take_place(), read = {0};
    size_t length = take_size() % LONGEST;
    bool last = take_byte() % 2, at_end = last && length == 0;
    FILE *file = file_of(length, last);
    EXPECT(file, "no file");
    char *line = (char *)block->at;
    size_t size = line ? block->size : 0;
    ssize_t got = take_byte() % 2 ? tm_getline(&line, &size, file) : tm_getdelim(&line, &size, '\n', file);
    ssize_t expected = at_end ? -1 : (ssize_t)length + !last;
    EXPECT(got == expected, "getline gives %zd, not %zd", got, expected);
    EXPECT(expected < 0 || (memcmp(line, text_of(length), length) == 0 && line[got] == '\0'),
           "getline read something else");
    EXPECT(size > (size_t)(expected < 0 ? 0 : expected), "getline has %zu bytes for %zd", size, expected);
    fclose(file);

    if (!block->at || block->size == 0) { /* as in glibc: with a size of 0 there is no buffer, whatever *line is */
        keep(&read, line, size, 16);
        free_block(block);
        *block = read;
    } else if (size == block->size) {
        EXPECT(line == (char *)block->at, "getline moved a line that is large enough");
        if (expected >= 0)
            refill(block);
    } else {
        resized(block, line, size); /* fills it again, over the line */
    }
}

/* The expected state of a stream. Its user knows one block; the library has a second one, with the stream's state. */
static struct stream {
    FILE *file; /* NULL: closed */
    char *buffer;
    const char *charged; /* where the buffer was when it was charged */
    size_t size, capacity, length, position;
    struct account *buffer_owner, *state_owner;
    char contents[2 * LONGEST + 1];
} streams[2];

static size_t state_bytes; /* chosen by the library, but always the same number */

static void open_stream(struct stream *stream)
{
    struct tm_totals before, after;
    memset(stream, 0, sizeof *stream);
    tm_process_totals(&before);
    stream->file = tm_open_memstream(&stream->buffer, &stream->size);
    EXPECT(stream->file && stream->buffer, "no stream");
    tm_process_totals(&after);
    stream->capacity = tm_malloc_usable_size(stream->buffer);
    size_t state = after.allocated_bytes - before.allocated_bytes - stream->capacity;
    EXPECT(state > 0 && state <= 128 && (state_bytes == 0 || state == state_bytes), "a stream's state is %zu bytes",
           state);
    state_bytes = state;
    stream->state_owner = ledger_charge(state);
    stream->buffer_owner = ledger_charge(stream->capacity);
    stream->charged = stream->buffer;
}

static void write_stream(struct stream *stream, size_t length)
{
    const char *text = text_of(length);
    EXPECT(fwrite(text, 1, length, stream->file) == length, "a write of %zu bytes to a stream", length);
    memcpy(stream->contents + stream->position, text, length);
    stream->position += length;
    if (stream->position > stream->length)
        stream->length = stream->position;
}

static void seek_stream(struct stream *stream, long offset, int whence)
{
    long from = whence == SEEK_SET ? 0 : (long)(whence == SEEK_CUR ? stream->position : stream->length);
    long target = from + offset;
    if (target > 2 * LONGEST)
        return;
    int result = fseek(stream->file, offset, whence);
    EXPECT(result == (target < 0 ? -1 : 0), "a seek to %ld gives %d", target, result);
    if (target < 0)
        return;
    stream->position = (size_t)target;
    if (stream->position > stream->length)
        stream->length = stream->position;
}

/* The library has resized the buffer. */
static void resized_buffer(struct stream *stream, size_t capacity)
{
    struct resized resized = {stream->buffer_owner, stream->charged, stream->buffer, stream->capacity, capacity};
    stream->buffer_owner = ledger_realloc(&resized);
    stream->charged = stream->buffer;
    stream->capacity = capacity;
}

static void check_stream(struct stream *stream)
{
    EXPECT(stream->size == stream->position, "a stream says %zu, not %zu", stream->size, stream->position);
    EXPECT(memcmp(stream->buffer, stream->contents, stream->length) == 0 && stream->buffer[stream->length] == '\0',
           "a stream's contents are wrong");
    size_t capacity = tm_malloc_usable_size(stream->buffer);
    if (capacity != stream->capacity)
        resized_buffer(stream, capacity);
}

/* The stream's buffer becomes an ordinary block, which is charged to the thread that closes the stream. */
static void close_stream(struct stream *stream, struct block *block)
{
    EXPECT(fclose(stream->file) == 0, "a stream does not close");
    stream->file = NULL;
    EXPECT(stream->size == stream->position && stream->buffer[stream->size] == '\0' &&
               memcmp(stream->buffer, stream->contents, stream->size) == 0,
           "a closed stream's contents are wrong");
    resized_buffer(stream, stream->size + 1);
    keep_charged(block, stream->buffer, stream->capacity, 16, stream->buffer_owner);
    ledger_credit(stream->state_owner, state_bytes);
}

void call_stream(void)
{
    struct stream *stream = &streams[take_byte() % 2];
    if (!stream->file) {
        open_stream(stream);
        return;
    }
    unsigned action = take_byte() % 8;
    size_t length = take_size() % LONGEST;
    if (action == 0)
        close_stream(stream, take_empty_place());
    else if (action == 1)
        EXPECT(fflush(stream->file) == 0, "a stream does not flush");
    else if (action < 5)
        seek_stream(stream, (long)length - LONGEST / 2, (int[]){SEEK_SET, SEEK_CUR, SEEK_END}[action - 2]);
    else if (stream->position + length <= 2 * LONGEST)
        write_stream(stream, length);
    if (stream->file)
        check_stream(stream);
}

void close_all_streams(void)
{
    for (int i = 0; i < 2; i++) {
        struct block block = {0};
        if (!streams[i].file)
            continue;
        close_stream(&streams[i], &block);
        free_block(&block);
    }
}
