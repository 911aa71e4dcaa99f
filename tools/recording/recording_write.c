/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes recordings: frames of what has changed. See docs/formats/recording.md. */
#include "recording/recording_write.h"
#include "common/allocate.h"
#include "common/messages.h"
#include "recording/recording.h"
#include "recording/recording_bytes.h"
#include "recording/recording_format.h"
#include "recording/recording_kinds.h"
#include "recording/recording_read.h"
#include "recording/recording_rows.h"
#include "recording/recording_threads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

struct recording_writer {
    int fd;
    uint64_t size;
    uint64_t last_frame;    /* the offset at which it begins */
    struct bytes unwritten; /* the header, until the first frame */
    z_stream deflate;       /* one for all frames: a new one each time would take 256 KiB from the kernel */
    struct rows last[ROW_KINDS], next[ROW_KINDS];
    struct rows expected; /* the threads that follow from the next slots */
};

static void put_fixed(struct bytes *bytes, uint64_t number, int size)
{
    for (int i = 0; i < size; i++)
        bytes_put(bytes, &(uint8_t){(uint8_t)(number >> (8 * i))}, 1);
}

struct recording_writer *recording_begin(int fd, const struct recording_info *info)
{
    struct recording_writer *writer = tool_allocate(1, sizeof *writer);
    struct bytes *header = &writer->unwritten;
    char program[sizeof info->program] = {0};
    writer->fd = fd;
    if (deflateInit(&writer->deflate, Z_DEFAULT_COMPRESSION) != Z_OK) {
        tool_warn("out of memory");
        exit(TOOL_FAILED);
    }
    memcpy(program, info->program, strnlen(info->program, sizeof program - 1));
    bytes_put(header, RECORDING_MAGIC, 8);
    put_fixed(header, RECORDING_VERSION, 4);
    put_fixed(header, RECORDING_HEADER, 4);
    put_fixed(header, (uint64_t)info->pid, 4);
    put_fixed(header, (uint64_t)info->parent, 4);
    put_fixed(header, info->started_ns, 8);
    put_fixed(header, info->recorded_ns, 8);
    put_fixed(header, info->every_ns, 8);
    bytes_put(header, program, sizeof program);
    put_fixed(header, 0, 4);
    put_fixed(header, crc32(0, header->data, (uInt)header->size), 4);
    return writer;
}

/* Writes all of it; if that fails, the file is as before. */
static int append(struct recording_writer *writer, const struct bytes *bytes)
{
    for (size_t done = 0; done < bytes->size;) {
        ssize_t written = write(writer->fd, bytes->data + done, bytes->size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            int error = written < 0 ? -errno : -EIO;
            if (done > 0 && ftruncate(writer->fd, (off_t)writer->size) == 0)
                lseek(writer->fd, (off_t)writer->size, SEEK_SET);
            return error;
        }
        done += (size_t)written;
    }
    writer->size += bytes->size;
    return 0;
}

/* Leaves it uncompressed, if that is shorter. */
static void put_payload(struct recording_writer *writer, struct bytes *payload, const struct bytes *content)
{
    z_stream *stream = &writer->deflate;
    uLong bound = deflateBound(stream, content->size);
    uint8_t *deflated = tool_allocate(bound, 1);
    stream->next_in = content->data;
    stream->avail_in = (uInt)content->size;
    stream->next_out = deflated;
    stream->avail_out = (uInt)bound;
    bool good = deflateReset(stream) == Z_OK && deflate(stream, Z_FINISH) == Z_STREAM_END;
    bytes_put(payload, &(uint8_t){PAYLOAD_DEFLATED}, 1);
    bytes_put_number(payload, content->size);
    bytes_put(payload, deflated, stream->total_out);
    if (!good || payload->size > content->size) {
        payload->size = 0;
        bytes_put(payload, &(uint8_t){PAYLOAD_PLAIN}, 1);
        bytes_put(payload, content->data, content->size);
    }
    free(deflated);
}

static int append_frame(struct recording_writer *writer, const struct bytes *content)
{
    if (content->size > RECORDING_FRAME_MOST)
        return -EFBIG;
    struct bytes payload = {0}, frame = {0};
    put_payload(writer, &payload, content);
    bytes_put(&frame, writer->unwritten.data, writer->unwritten.size);
    size_t head = frame.size;
    put_fixed(&frame, payload.size, 4);
    uLong sum = crc32(crc32(0, frame.data + head, 4), payload.data, (uInt)payload.size);
    put_fixed(&frame, sum, 4);
    bytes_put(&frame, payload.data, payload.size);
    uint64_t begins = writer->size + head;
    int result = append(writer, &frame);
    if (result == 0) {
        writer->unwritten.size = 0;
        writer->last_frame = begins;
    }
    free(payload.data);
    free(frame.data);
    return result;
}

int recording_add(struct recording_writer *writer, const struct recording_frame *frame)
{
    const struct tm_reading *reading = &frame->reading;
    const struct process_row process = {
        reading->time_ns, frame->elapsed_ns, reading->live,    reading->flow_on,
        frame->memory,    reading->process,  reading->retired, reading->cross_allocator_calls};
    struct rows *next = writer->next;
    rows_set(ROWS_PROCESS, &next[ROWS_PROCESS], &process, 1);
    rows_set(ROWS_THREADS, &next[ROWS_THREADS], reading->threads, reading->thread_count);
    rows_set(ROWS_TAGS, &next[ROWS_TAGS], reading->tags, reading->tag_count);
    rows_set(ROWS_SLOTS, &next[ROWS_SLOTS], reading->slots, reading->slot_count);
    rows_set(ROWS_FLOWS, &next[ROWS_FLOWS], reading->flows, reading->flow_count);
    if (next[ROWS_PROCESS].count == 0)
        return -EINVAL;

    struct bytes content = {0};
    bytes_put_number(&content, CONTENT_READING);
    rows_expect_threads(&writer->expected, &next[ROWS_SLOTS]);
    for (int kind = 0; kind < ROW_KINDS; kind++)
        rows_put_changes(kind, &content, kind == ROWS_THREADS ? &writer->expected : &writer->last[kind], &next[kind]);
    int result = append_frame(writer, &content);
    free(content.data);
    if (result == 0) /* else the next frame contains the changes since the last one that is in the file */
        for (int kind = 0; kind < ROW_KINDS; kind++) {
            struct rows rows = writer->last[kind];
            writer->last[kind] = next[kind];
            next[kind] = rows;
        }
    return result;
}

uint64_t recording_size(const struct recording_writer *writer)
{
    return writer->size;
}

/* The end is smaller than any reading, so it fits in the place of the last one. The first reading stays. */
static int end_over_last_frame(struct recording_writer *writer, const struct bytes *content)
{
    uint64_t size = writer->size;
    if (writer->last_frame <= RECORDING_HEADER || lseek(writer->fd, (off_t)writer->last_frame, SEEK_SET) < 0)
        return -ENOSPC;
    writer->size = writer->last_frame;
    int result = append_frame(writer, content);
    if (result != 0)
        writer->size = size;
    else if (ftruncate(writer->fd, (off_t)writer->size) != 0)
        result = -errno;
    return result;
}

int recording_finish(struct recording_writer *writer, enum recording_end end)
{
    struct bytes content = {0};
    bytes_put_number(&content, CONTENT_END);
    bytes_put_number(&content, end);
    int result = append_frame(writer, &content);
    if (result != 0 && end_over_last_frame(writer, &content) == 0)
        result = 0;
    free(content.data);
    recording_discard(writer);
    return result;
}

void recording_discard(struct recording_writer *writer)
{
    for (int kind = 0; kind < ROW_KINDS; kind++) {
        free(writer->last[kind].row);
        free(writer->next[kind].row);
    }
    deflateEnd(&writer->deflate);
    free(writer->expected.row);
    free(writer->unwritten.data);
    free(writer);
}
