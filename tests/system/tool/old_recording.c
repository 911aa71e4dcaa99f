/* SPDX-License-Identifier: BSD-3-Clause */
#include "old_recording.h"
#include "common/allocate.h"
#include "recording/recording_bytes.h"
#include "recording/recording_kinds.h"
#include "recording/recording_rows.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

struct old_recording {
    int fd;
    struct rows last[ROW_KINDS], next[ROW_KINDS];
};

static const enum row_kind order_of_rows[] = {ROWS_PROCESS, ROWS_THREADS, ROWS_TAGS, ROWS_SLOTS, ROWS_FLOWS};

static void write_all(int fd, const void *data, size_t size)
{
    if (write(fd, data, size) != (ssize_t)size)
        abort();
}

/* Little-endian, like all machines of these tests. */
static void put_sum(struct bytes *bytes)
{
    uint32_t sum = (uint32_t)crc32(0, bytes->data, (uInt)bytes->size);
    bytes_put(bytes, &sum, 4);
}

struct old_recording *old_recording_begin(int fd, const struct recording_info *info)
{
    struct old_recording *recording = tool_allocate(1, sizeof *recording);
    const uint32_t words[] = {1, 72, (uint32_t)info->pid, (uint32_t)info->parent}, zero = 0;
    const uint64_t times[] = {info->started_ns, info->recorded_ns, info->every_ns};
    struct bytes header = {0};
    bytes_put(&header, "\x89TMREC\r\n", 8);
    bytes_put(&header, words, sizeof words);
    bytes_put(&header, times, sizeof times);
    bytes_put(&header, info->program, 16);
    bytes_put(&header, &zero, 4);
    put_sum(&header);
    write_all(fd, header.data, header.size);
    free(header.data);
    recording->fd = fd;
    return recording;
}

static void write_frame(struct old_recording *recording, const struct bytes *content)
{
    uint32_t size = (uint32_t)content->size + 1;
    struct bytes summed = {0};
    bytes_put(&summed, &size, 4);
    bytes_put(&summed, "", 1);
    bytes_put(&summed, content->data, content->size);
    uint32_t head[] = {size, (uint32_t)crc32(0, summed.data, (uInt)summed.size)};
    write_all(recording->fd, head, sizeof head);
    write_all(recording->fd, summed.data + 4, size);
    free(summed.data);
}

/* A row: its kind, its key, which fields have changed, and these. */
static void put_row(struct bytes *bytes, enum row_kind kind, struct key *last, const void *was, const void *is)
{
    static const char blank[512];
    struct key key = row_key(kind, is ? is : was);
    struct bytes fields = {0};
    uint64_t mask = 0;
    for (size_t i = 0; is && i < recording_kinds[kind].field_count; i++) {
        const struct field *field = &recording_kinds[kind].fields[i];
        const char *before = (was ? (const char *)was : blank) + field->offset, *now = (const char *)is + field->offset;
        if (field->text ? strcmp(before, now) == 0 : memcmp(before, now, field->size) == 0)
            continue;
        mask |= UINT64_C(1) << i;
        if (field->text) {
            bytes_put_number(&fields, strlen(now));
            bytes_put(&fields, now, strlen(now));
        } else {
            int64_t more = (int64_t)(field_get(field, is) - field_get(field, was ? was : blank));
            bytes_put_number(&fields, more >= 0 ? 2 * (uint64_t)more : 2 * (uint64_t) - (more + 1) + 1);
        }
    }
    if (!is || !was || mask != 0) {
        bool same = key.major == last->major;
        bytes_put_number(bytes, !is ? 3 : !was ? 2 : 1);
        bytes_put_number(bytes, key.major - last->major);
        bytes_put_number(bytes, same ? key.minor - last->minor : key.minor);
        *last = key;
        if (is)
            bytes_put_number(bytes, mask);
        bytes_put(bytes, fields.data, fields.size);
    }
    free(fields.data);
}

static void put_table(struct bytes *bytes, enum row_kind kind, const struct rows *before, const struct rows *after)
{
    struct key last = {0, 0};
    for (size_t old = 0, new = 0; old < before->count || new < after->count;) {
        const void *was = old < before->count ? row_at(kind, before, old) : NULL;
        const void *is = new < after->count ? row_at(kind, after, new) : NULL;
        int order = !was ? 1 : !is ? -1 : compare_rows(was, is, &kind);
        put_row(bytes, kind, &last, order <= 0 ? was : NULL, order >= 0 ? is : NULL);
        old += order <= 0;
        new += order >= 0;
    }
    bytes_put_number(bytes, 0);
}

void old_recording_add(struct old_recording *recording, const struct recording_frame *frame)
{
    const struct tm_reading *reading = &frame->reading;
    const struct process_row process = {
        reading->time_ns, frame->elapsed_ns, reading->live,    reading->flow_on,
        frame->memory,    reading->process,  reading->retired, reading->cross_allocator_calls};
    struct rows *next = recording->next;
    struct bytes content = {0};
    rows_set(ROWS_PROCESS, &next[ROWS_PROCESS], &process, 1);
    rows_set(ROWS_THREADS, &next[ROWS_THREADS], reading->threads, reading->thread_count);
    rows_set(ROWS_TAGS, &next[ROWS_TAGS], reading->tags, reading->tag_count);
    rows_set(ROWS_SLOTS, &next[ROWS_SLOTS], reading->slots, reading->slot_count);
    rows_set(ROWS_FLOWS, &next[ROWS_FLOWS], reading->flows, reading->flow_count);
    bytes_put_number(&content, 1);
    for (int i = 0; i < ROW_KINDS; i++) {
        enum row_kind kind = order_of_rows[i];
        struct rows rows = recording->last[kind];
        put_table(&content, kind, &recording->last[kind], &next[kind]);
        recording->last[kind] = next[kind];
        next[kind] = rows;
    }
    write_frame(recording, &content);
    free(content.data);
}

void old_recording_finish(struct old_recording *recording, enum recording_end end)
{
    struct bytes content = {0};
    bytes_put_number(&content, 2);
    bytes_put_number(&content, end);
    write_frame(recording, &content);
    free(content.data);
    for (int kind = 0; kind < ROW_KINDS; kind++) {
        free(recording->last[kind].row);
        free(recording->next[kind].row);
    }
    free(recording);
}
