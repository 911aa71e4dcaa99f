/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams into a block of ours, on glibc's custom streams, of which exit() and fork() know nothing. */
#define _GNU_SOURCE
#include "threadmeter/malloc.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

struct memory {
    char *bytes; /* `capacity` + 1, the last one for the terminating null */
    size_t capacity;
    size_t length;
    size_t position;
    char **buffer; /* where the caller wants to see it */
    size_t *size;
};

static int reserve(struct memory *memory, size_t wanted)
{
    if (wanted <= memory->capacity)
        return 0;
    size_t capacity = wanted > 2 * memory->capacity ? wanted : 2 * memory->capacity;
    char *grown = tm_realloc(memory->bytes, capacity + 1);
    if (!grown)
        return -1;
    memory->bytes = grown;
    memory->capacity = capacity;
    return 0;
}

/* Contents up to the position: never less than that, since a seek past the end fills the hole (see there). */
static void show(struct memory *memory)
{
    *memory->buffer = memory->bytes;
    *memory->size = memory->position;
}

/* Makes room for contents of `end` bytes. */
static int extend(struct memory *memory, size_t end)
{
    if (end >= SIZE_MAX / 4 || reserve(memory, end) != 0) {
        errno = ENOMEM;
        return -1;
    }
    return 0;
}

static ssize_t write_memory(void *cookie, const char *bytes, size_t size)
{
    struct memory *memory = cookie;
    size_t end;
    if (__builtin_add_overflow(memory->position, size, &end))
        end = SIZE_MAX;
    if (extend(memory, end) != 0)
        return 0; /* how a custom stream says that it failed */
    memcpy(memory->bytes + memory->position, bytes, size);
    memory->position = end;
    if (end > memory->length)
        memory->length = end;
    memory->bytes[memory->length] = '\0';
    show(memory);
    return (ssize_t)size;
}

/* As glibc has it, past the end means zeros up to there at once; POSIX would have them with the next write. */
static int seek_memory(void *cookie, off64_t *offset, int whence)
{
    struct memory *memory = cookie;
    off64_t from = whence == SEEK_CUR ? (off64_t)memory->position : whence == SEEK_END ? (off64_t)memory->length : 0;
    off64_t target;
    if (__builtin_add_overflow(from, *offset, &target) || target < 0) {
        errno = EINVAL;
        return -1;
    }
    if (extend(memory, (size_t)target) != 0)
        return -1;
    memory->position = (size_t)target;
    if (memory->position > memory->length) {
        memset(memory->bytes + memory->length, 0, memory->position + 1 - memory->length);
        memory->length = memory->position;
    }
    *offset = target;
    show(memory);
    return 0;
}

static int close_memory(void *cookie)
{
    struct memory *memory = cookie;
    show(memory);
    /* The caller keeps the contents, and pays for no more than them. As glibc's, they end where the stream stood. */
    char *fitted = tm_realloc(memory->bytes, *memory->size + 1);
    if (fitted)
        *memory->buffer = fitted;
    (*memory->buffer)[*memory->size] = '\0';
    tm_free(memory);
    return 0;
}

/* Of glibc's interface since 2.0, though no header has it any more. */
extern void _IO_un_link(FILE *stream);

/*
 * glibc writes out all streams that it has on a list: in exit() without their locks, underneath a thread that may be in
 * our functions, and in a fork's child also those of threads that are not there, whose variables may not be, either. Its
 * own memory streams are not on it. So ours is taken off, as fclose() would do it. (And so in a fork's child its lock is
 * as it was, of glibc's as of ours: what another thread had in its hands is nobody's any more.)
 */
static FILE *open_stream(struct memory *memory)
{
    static const cookie_io_functions_t functions = {.write = write_memory, .seek = seek_memory, .close = close_memory};
    FILE *stream = fopencookie(memory, "w", functions);
    if (stream) {
        _IO_un_link(stream);
        setvbuf(stream, NULL, _IONBF, 0); /* the block is the buffer */
    }
    return stream;
}

FILE *tm_open_memstream(char **buffer, size_t *size)
{
    enum { FIRST = 127 };
    struct memory *memory = tm_malloc(sizeof *memory);
    char *bytes = tm_malloc(FIRST + 1);
    FILE *stream = NULL;
    if (memory && bytes) {
        *memory = (struct memory){.bytes = bytes, .capacity = FIRST, .buffer = buffer, .size = size};
        bytes[0] = '\0';
        stream = open_stream(memory);
    }
    if (stream) {
        show(memory);
    } else {
        tm_free(bytes);
        tm_free(memory);
    }
    return stream;
}
