/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads recordings. Whatever is in the file, reading ends: each frame has to be complete and valid, or it and
 * all that follows is lost, since each frame builds on the one before.
 */
#include "recording/recording_read.h"
#include "common/allocate.h"
#include "recording/recording.h"
#include "recording/recording_bytes.h"
#include "recording/recording_format.h"
#include "recording/recording_kinds.h"
#include "recording/recording_rows.h"
#include "recording/recording_threads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

struct recording {
    FILE *file;
    struct recording_info info;
    int version;
    struct recording_frame frame;
    struct recording_rest rest;
    bool over;
    uint64_t good; /* how many bytes of the file were read and are valid */
    struct rows rows[ROW_KINDS], spare[ROW_KINDS];
    struct rows expected; /* the threads that follow from a reading's slots */
    struct bytes payload, content;
};

static uint64_t get_fixed(const uint8_t *data, int size)
{
    uint64_t number = 0;
    for (int i = 0; i < size; i++)
        number |= (uint64_t)data[i] << (8 * i);
    return number;
}

static int take_header(struct recording_info *info, int *version, const uint8_t header[RECORDING_HEADER], size_t size,
                       const char *path, char *message)
{
    if (size < 12 || memcmp(header, RECORDING_MAGIC, 8) != 0) {
        snprintf(message, RECORDING_MESSAGE, "%s is no recording of threadmeter's", path);
        return -EINVAL;
    }
    *version = (int)get_fixed(header + 8, 4);
    if (*version < RECORDING_VERSION_ROWS || *version > RECORDING_VERSION) {
        snprintf(message, RECORDING_MESSAGE,
                 "%s is a recording of version %u; this threadmeter reads versions %d to %d", path, (unsigned)*version,
                 RECORDING_VERSION_ROWS, RECORDING_VERSION);
        return -EPROTONOSUPPORT;
    }
    if (size < RECORDING_HEADER || get_fixed(header + 12, 4) != RECORDING_HEADER ||
        crc32(0, header, RECORDING_HEADER - 4) != get_fixed(header + RECORDING_HEADER - 4, 4)) {
        snprintf(message, RECORDING_MESSAGE, "%s is a recording whose first %d bytes are %s", path, RECORDING_HEADER,
                 size < RECORDING_HEADER ? "cut off" : "damaged");
        return -EINVAL;
    }
    info->pid = (pid_t)get_fixed(header + 16, 4);
    info->parent = (pid_t)get_fixed(header + 20, 4);
    info->started_ns = get_fixed(header + 24, 8);
    info->recorded_ns = get_fixed(header + 32, 8);
    info->every_ns = get_fixed(header + 40, 8);
    memcpy(info->program, header + 48, sizeof info->program);
    info->program[sizeof info->program - 1] = '\0';
    if (info->pid < 0 || info->parent < 0 || info->started_ns > INT64_MAX || info->recorded_ns > INT64_MAX ||
        info->every_ns > INT64_MAX) {
        snprintf(message, RECORDING_MESSAGE, "%s is a recording whose first %d bytes make no sense", path,
                 RECORDING_HEADER);
        return -EINVAL;
    }
    return 0;
}

int recording_open(const char *path, struct recording **recording, char message[RECORDING_MESSAGE])
{
    FILE *file = fopen(path, "rbe");
    uint8_t header[RECORDING_HEADER];
    size_t size = file ? fread(header, 1, sizeof header, file) : 0;
    if (!file || ferror(file)) {
        int error = errno;
        snprintf(message, RECORDING_MESSAGE, "cannot read %s: %s", path, strerror(error));
        if (file)
            fclose(file);
        return -error;
    }
    struct recording_info info;
    int version, error = take_header(&info, &version, header, size, path, message);
    if (error) {
        fclose(file);
        return error;
    }
    *recording = tool_allocate(1, sizeof **recording);
    (*recording)->file = file;
    (*recording)->info = info;
    (*recording)->version = version;
    (*recording)->good = RECORDING_HEADER;
    return 0;
}

const struct recording_info *recording_info(const struct recording *recording)
{
    return &recording->info;
}

/* Ends reading. `why`: what is wrong in the file; NULL: nothing. */
static void end(struct recording *recording, enum recording_end end, const char *why)
{
    recording->over = true;
    recording->rest = (struct recording_rest){.end = end, .why = why};
    if (why && fseeko(recording->file, 0, SEEK_END) == 0) {
        off_t size = ftello(recording->file);
        if (size > 0 && (uint64_t)size > recording->good)
            recording->rest.lost_bytes = (uint64_t)size - recording->good;
    }
}

/* The recorder holds a lock on the file. While it does, an incomplete frame is one that is not written yet. */
static const char *cut_off(FILE *file)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    bool goes_on = fcntl(fileno(file), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    return goes_on ? "" : "it was cut off";
}

/* Reads the next frame's payload into recording->payload. Returns NULL; or what is wrong; "" at the end of the file. */
static const char *read_payload(struct recording *recording)
{
    uint8_t head[RECORDING_FRAME_HEAD];
    size_t got = fread(head, 1, sizeof head, recording->file);
    if (got == 0)
        return ferror(recording->file) ? "it cannot be read" : "";
    if (got < sizeof head)
        return cut_off(recording->file);
    uint64_t length = get_fixed(head, 4);
    if (length < 2 || length > RECORDING_FRAME_MOST + 16)
        return "it is damaged";

    /* In pieces, so that a false length takes no more memory than the file has bytes. */
    enum { PIECE = 1 << 16 };
    struct bytes *payload = &recording->payload;
    payload->size = 0;
    while (payload->size < length) {
        uint8_t piece[PIECE];
        size_t want = length - payload->size < PIECE ? length - payload->size : PIECE;
        got = fread(piece, 1, want, recording->file);
        bytes_put(payload, piece, got);
        if (got < want)
            return ferror(recording->file) ? "it cannot be read" : cut_off(recording->file);
    }
    uLong sum = crc32(crc32(0, head, 4), payload->data, (uInt)payload->size);
    return sum == get_fixed(head + 4, 4) ? NULL : "it is damaged";
}

/* False if the payload is invalid. */
static bool unpack(struct recording *recording, struct view *content)
{
    struct view view = {recording->payload.data, recording->payload.size};
    const uint8_t *form = view_take(&view, 1);
    if (*form == PAYLOAD_PLAIN) {
        *content = view;
        return true;
    }
    uint64_t size = view_number(&view);
    if (*form != PAYLOAD_DEFLATED || !view.data || size == 0 || size > RECORDING_FRAME_MOST ||
        size / 1100 > view.size) /* deflate compresses at most to 1/1032 */
        return false;
    struct bytes *bytes = &recording->content;
    if (bytes->capacity < size) {
        bytes->data = tool_resize(bytes->data, size, 1);
        bytes->capacity = size;
    }
    uLongf inflated = size;
    if (uncompress(bytes->data, &inflated, view.data, view.size) != Z_OK || inflated != size)
        return false;
    *content = (struct view){bytes->data, size};
    return true;
}

static void make_frame(struct recording *recording)
{
    const struct rows *rows = recording->rows;
    const struct process_row *process = rows[ROWS_PROCESS].row;
    const struct recording_info *info = &recording->info;
    struct tm_reading *reading = &recording->frame.reading;
    recording->frame.elapsed_ns = process->elapsed_ns;
    recording->frame.memory = process->memory;
    *reading = (struct tm_reading){
        .time_ns = process->time_ns,
        .started_ns = info->started_ns,
        .pid = info->pid,
        .parent = info->parent,
        .live = process->live,
        .flow_on = process->flow_on,
        .process = process->process,
        .retired = process->retired,
        .cross_allocator_calls = process->cross_allocator_calls,
        .slot_count = rows[ROWS_SLOTS].count,
        .slots = rows[ROWS_SLOTS].row,
        .thread_count = rows[ROWS_THREADS].count,
        .threads = rows[ROWS_THREADS].row,
        .tag_count = rows[ROWS_TAGS].count,
        .tags = rows[ROWS_TAGS].row,
        .flow_count = rows[ROWS_FLOWS].count,
        .flows = rows[ROWS_FLOWS].row,
    };
    memcpy(reading->program, info->program, sizeof reading->program);
}

/* If the frame is invalid, nothing of the recording is changed. */
static bool take_reading(struct recording *recording, struct view *content)
{
    static const enum row_kind order_of_rows[ROW_KINDS] = {ROWS_PROCESS, ROWS_THREADS, ROWS_TAGS, ROWS_SLOTS,
                                                           ROWS_FLOWS};
    const bool expects = recording->version > RECORDING_VERSION_ROWS;
    for (int i = 0; i < ROW_KINDS; i++) {
        enum row_kind kind = expects ? (enum row_kind)i : order_of_rows[i];
        const struct rows *before = &recording->rows[kind];
        if (expects && kind == ROWS_THREADS) {
            rows_expect_threads(&recording->expected, &recording->spare[ROWS_SLOTS]);
            before = &recording->expected;
        }
        if (!rows_take_changes(kind, recording->version, content, before, &recording->spare[kind]))
            return false;
    }
    const struct rows *process = &recording->spare[ROWS_PROCESS];
    if (content->size > 0 || process->count != 1 ||
        ((const struct process_row *)process->row)->elapsed_ns < recording->frame.elapsed_ns)
        return false;
    for (int kind = 0; kind < ROW_KINDS; kind++) {
        struct rows rows = recording->rows[kind];
        recording->rows[kind] = recording->spare[kind];
        recording->spare[kind] = rows;
    }
    make_frame(recording);
    return true;
}

const struct recording_frame *recording_next(struct recording *recording)
{
    if (recording->over)
        return NULL;
    const char *wrong = read_payload(recording);
    struct view content;
    if (wrong) {
        end(recording, RECORDING_CUT, *wrong ? wrong : NULL);
        return NULL;
    }
    uint64_t what = unpack(recording, &content) ? view_number(&content) : 0;
    if (what == CONTENT_READING && take_reading(recording, &content)) {
        recording->good += RECORDING_FRAME_HEAD + recording->payload.size;
        return &recording->frame;
    }
    uint64_t reason = what == CONTENT_END ? view_number(&content) : RECORDING_CUT;
    if (reason > RECORDING_CUT && reason < RECORDING_ENDS && content.data && content.size == 0) {
        recording->good += RECORDING_FRAME_HEAD + recording->payload.size;
        bool more = fgetc(recording->file) != EOF;
        end(recording, (enum recording_end)reason, more ? "something else follows its end" : NULL);
    } else {
        end(recording, RECORDING_CUT, "it is damaged");
    }
    return NULL;
}

struct recording_rest recording_rest(const struct recording *recording)
{
    return recording->rest;
}

static void forget(struct recording *recording)
{
    for (int kind = 0; kind < ROW_KINDS; kind++)
        recording->rows[kind].count = 0;
    memset(&recording->frame, 0, sizeof recording->frame);
    recording->over = false;
    recording->rest = (struct recording_rest){0};
    recording->good = RECORDING_HEADER;
}

void recording_rewind(struct recording *recording)
{
    forget(recording);
    clearerr(recording->file);
    if (fseeko(recording->file, RECORDING_HEADER, SEEK_SET) != 0)
        end(recording, RECORDING_CUT, "it cannot be read twice");
}

void recording_close(struct recording *recording)
{
    if (!recording)
        return;
    for (int kind = 0; kind < ROW_KINDS; kind++) {
        free(recording->rows[kind].row);
        free(recording->spare[kind].row);
    }
    free(recording->expected.row);
    free(recording->payload.data);
    free(recording->content.data);
    fclose(recording->file);
    free(recording);
}
