/* SPDX-License-Identifier: BSD-3-Clause */
/* A program in C for which libraries allocate: libc, and zlib. It calls malloc nowhere, and knows nothing of threadmeter. */
#define _GNU_SOURCE
#include "figures.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static char *text, *line, *printed;
static size_t size, room;

static void make_stream(void)
{
    FILE *stream = open_memstream(&text, &size);
    for (int i = 0; i < 3000; i++)
        fprintf(stream, "line %d\n", i);
    fclose(stream);
}

static void read_lines(void)
{
    FILE *stream = fmemopen(text, size, "r");
    while (getline(&line, &room, stream) > 0)
        ;
    fclose(stream);
}

static void print_text(void)
{
    if (asprintf(&printed, "%*d", 5000, 7) != 5000)
        abort();
}

static z_stream stream;
static unsigned char packed[100000];

static void begin_to_pack(void)
{
    if (deflateInit(&stream, 9) != Z_OK)
        abort();
    stream.next_in = (unsigned char *)text;
    stream.avail_in = (unsigned)size;
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        abort();
}

static void end_of_packing(void)
{
    deflateEnd(&stream);
}

static const struct {
    const char *name;
    void (*body)(void);
} steps[] = {
    {"open_memstream", make_stream}, {"getline", read_lines},        {"asprintf", print_text},
    {"zlib", begin_to_pack},         {"zlib's end", end_of_packing},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

int main(void)
{
    static struct figures before[STEPS], after[STEPS];
    for (int i = 0; i < STEPS; i++) {
        take_figures(&before[i]);
        steps[i].body();
        take_figures(&after[i]);
    }
    for (int i = 0; i < STEPS; i++)
        printf("%s: %lu allocated, %ld live in %ld blocks\n", steps[i].name, after[i].allocated - before[i].allocated,
               (long)(after[i].live - before[i].live), (long)(after[i].blocks - before[i].blocks));
    free(text);
    free(line);
    free(printed);
    return end_of_figures();
}
