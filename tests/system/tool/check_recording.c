/* SPDX-License-Identifier: BSD-3-Clause */
/* recording_*.c: what is read is what was written, up to where a file is cut off or damaged, and nothing else. */
#include "made_up.h"
#include "old_recording.h"
#include "recording/recording_bytes.h"
#include "recording/recording_format.h"
#include "recording/recording_write.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <zlib.h>

enum { FRAMES = 16, SEED = 11 };

/* ---- a recording in memory, and where its frames are ---- */

static struct made_up process; /* large */
static uint8_t *image;
static size_t image_size, frame_ends[FRAMES + 1];
static char path[64]; /* of a file in memory: there are thousands of them, one after another */
static int file;

static void write_file(const void *data, size_t size)
{
    ck_assert_int_eq(ftruncate(file, 0), 0);
    ck_assert_int_eq(pwrite(file, data, size, 0), (ssize_t)size);
}

static struct recording_info begin_image(void)
{
    made_up_begin(&process, SEED);
    file = memfd_create("recording", MFD_CLOEXEC);
    ck_assert_int_ge(file, 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return made_up_info(&process);
}

static void end_image(void)
{
    image_size = frame_ends[FRAMES] = (size_t)lseek(file, 0, SEEK_END);
    image = malloc(image_size);
    ck_assert_int_eq(pread(file, image, image_size, 0), (ssize_t)image_size);
}

static void make_image(void)
{
    struct recording_info info = begin_image();
    struct recording_writer *writer = recording_begin(file, &info);
    for (int i = 0; i < FRAMES; i++) {
        ck_assert_int_eq(recording_add(writer, made_up_step(&process)), 0);
        frame_ends[i] = recording_size(writer);
    }
    ck_assert_int_eq(recording_finish(writer, RECORDING_STOPPED), 0);
    end_image();
}

/* The same of version 1, which is still read. */
static void make_old_image(void)
{
    struct recording_info info = begin_image();
    struct old_recording *recording = old_recording_begin(file, &info);
    for (int i = 0; i < FRAMES; i++) {
        old_recording_add(recording, made_up_step(&process));
        frame_ends[i] = (size_t)lseek(file, 0, SEEK_END);
    }
    old_recording_finish(recording, RECORDING_STOPPED);
    end_image();
}

static void clear_up(void)
{
    close(file);
    free(image);
}

static size_t whole_frames(size_t size)
{
    size_t whole = 0;
    while (whole < FRAMES && frame_ends[whole] <= size)
        whole++;
    return whole;
}

/* ---- comparing readings ---- */

/* Plain comparisons: there are millions of them, and Check writes each assertion to a file. */
static bool same_slots(const struct tm_reading *read, const struct tm_reading *written)
{
    for (size_t i = 0; i < written->slot_count; i++) {
        const struct tm_slot *a = &read->slots[i], *b = &written->slots[i];
        if (a->slot != b->slot || a->generation != b->generation || a->thread != b->thread || a->tag != b->tag ||
            a->tid != b->tid || a->state != b->state || a->thread_peak_bytes != b->thread_peak_bytes ||
            strcmp(a->name, b->name) != 0 || memcmp(&a->totals, &b->totals, sizeof a->totals) != 0)
            return false;
    }
    return read->slot_count == written->slot_count;
}

static bool same_threads(const struct tm_reading *read, const struct tm_reading *written)
{
    for (size_t i = 0; i < written->thread_count; i++) {
        const struct tm_thread_reading *a = &read->threads[i], *b = &written->threads[i];
        if (a->thread != b->thread || a->tid != b->tid || a->state != b->state || strcmp(a->name, b->name) != 0 ||
            memcmp(&a->totals, &b->totals, sizeof a->totals) != 0)
            return false;
    }
    return read->thread_count == written->thread_count;
}

static bool same_tags(const struct tm_reading *read, const struct tm_reading *written)
{
    for (size_t i = 0; i < written->tag_count; i++) {
        const struct tm_tag_reading *a = &read->tags[i], *b = &written->tags[i];
        if (a->tag != b->tag || a->open != b->open || a->limit_bytes != b->limit_bytes ||
            strcmp(a->name, b->name) != 0 || memcmp(&a->totals, &b->totals, sizeof a->totals) != 0)
            return false;
    }
    return read->tag_count == written->tag_count;
}

static bool same_flows(const struct tm_reading *read, const struct tm_reading *written)
{
    for (size_t i = 0; i < written->flow_count; i++) {
        const struct tm_flow *a = &read->flows[i], *b = &written->flows[i];
        if (a->owner != b->owner || a->freer != b->freer || a->owner_tid != b->owner_tid ||
            a->freer_tid != b->freer_tid || a->bytes != b->bytes || a->blocks != b->blocks ||
            strcmp(a->owner_name, b->owner_name) != 0 || strcmp(a->freer_name, b->freer_name) != 0)
            return false;
    }
    return read->flow_count == written->flow_count;
}

static bool same_process(const struct recording_frame *frame, const struct recording_frame *wanted)
{
    const struct tm_reading *read = &frame->reading, *written = &wanted->reading;
    return frame->elapsed_ns == wanted->elapsed_ns && read->time_ns == written->time_ns &&
           read->started_ns == written->started_ns && read->pid == written->pid && read->parent == written->parent &&
           read->live == written->live && read->flow_on == written->flow_on &&
           strcmp(read->program, written->program) == 0 &&
           memcmp(&frame->memory, &wanted->memory, sizeof frame->memory) == 0 &&
           memcmp(&read->process, &written->process, sizeof read->process) == 0 &&
           memcmp(&read->retired, &written->retired, sizeof read->retired) == 0 &&
           memcmp(&read->cross_allocator_calls, &written->cross_allocator_calls, sizeof read->cross_allocator_calls) ==
               0;
}

/* A recording has its rows in order of their numbers, whatever the order in which they were written. */
static int by_number(const void *a, const void *b)
{
    const struct tm_thread_reading *one = a, *other = b;
    if (one->thread != other->thread)
        return one->thread < other->thread ? -1 : 1;
    return (one->state > other->state) - (one->state < other->state);
}

static int by_tag(const void *a, const void *b)
{
    return ((const struct tm_tag_reading *)a)->tag - ((const struct tm_tag_reading *)b)->tag;
}

static int by_pair(const void *a, const void *b)
{
    const struct tm_flow *one = a, *other = b;
    if (one->owner != other->owner)
        return one->owner < other->owner ? -1 : 1;
    return (one->freer > other->freer) - (one->freer < other->freer);
}

static void put_in_order(struct made_up *made_up)
{
    const struct tm_reading *reading = &made_up->frame.reading;
    qsort(made_up->rows, reading->thread_count, sizeof made_up->rows[0], by_number);
    qsort(made_up->tags, reading->tag_count, sizeof made_up->tags[0], by_tag);
    qsort(made_up->flows, reading->flow_count, sizeof made_up->flows[0], by_pair);
}

/* The file's readings are the first ones that were written; how many. */
static size_t expect_beginning(struct recording *recording)
{
    size_t count = 0;
    made_up_begin(&process, SEED);
    for (const struct recording_frame *frame; (frame = recording_next(recording)); count++) {
        const struct recording_frame *wanted = made_up_step(&process);
        put_in_order(&process);
        const struct tm_reading *read = &frame->reading, *written = &wanted->reading;
        if (!same_process(frame, wanted) || !same_slots(read, written) || !same_threads(read, written) ||
            !same_tags(read, written) || !same_flows(read, written))
            ck_abort_msg("reading %zu is not as it was written", count);
    }
    return count;
}

static struct recording *open_file(void)
{
    struct recording *recording;
    char message[RECORDING_MESSAGE];
    ck_assert_msg(recording_open(path, &recording, message) == 0, "%s", message);
    return recording;
}

/* ---- tests ---- */

START_TEST(what_is_read_is_what_was_written)
{
    struct recording *recording = open_file();
    const struct recording_info *info = recording_info(recording);
    struct recording_info wanted = made_up_info(&process);
    ck_assert_int_eq(info->pid, wanted.pid);
    ck_assert_int_eq(info->parent, wanted.parent);
    ck_assert_uint_eq(info->recorded_ns, wanted.recorded_ns);
    ck_assert_uint_eq(info->every_ns, wanted.every_ns);
    ck_assert_str_eq(info->program, wanted.program);
    for (int twice = 0; twice < 2; twice++) {
        ck_assert_uint_eq(expect_beginning(recording), FRAMES);
        ck_assert_ptr_null(recording_next(recording));
        ck_assert_int_eq(recording_rest(recording).end, RECORDING_STOPPED);
        ck_assert_uint_eq(recording_rest(recording).lost_bytes, 0);
        ck_assert_ptr_null(recording_rest(recording).why);
        recording_rewind(recording);
    }
    recording_close(recording);
}
END_TEST

START_TEST(a_file_is_cut_off_at_every_byte)
{
    char message[RECORDING_MESSAGE];
    for (size_t size = 0; size < image_size; size++) {
        struct recording *recording;
        write_file(image, size);
        if (size < RECORDING_HEADER) {
            ck_assert_int_eq(recording_open(path, &recording, message), -EINVAL);
            continue;
        }
        recording = open_file();
        size_t whole = whole_frames(size), good = whole == 0 ? RECORDING_HEADER : frame_ends[whole - 1];
        size_t count = expect_beginning(recording);
        struct recording_rest rest = recording_rest(recording);
        if (count != whole || rest.end != RECORDING_CUT || rest.lost_bytes != size - good ||
            (rest.why != NULL) != (size != good))
            ck_abort_msg("%zu bytes: %zu readings, %zu lost", size, count, (size_t)rest.lost_bytes);
        recording_close(recording);
    }
}
END_TEST

START_TEST(each_byte_is_damaged)
{
    char message[RECORDING_MESSAGE];
    for (size_t at = 0; at < image_size; at++) {
        struct recording *recording;
        image[at] ^= (uint8_t)(1 << at % 8);
        write_file(image, image_size);
        if (at < RECORDING_HEADER) {
            ck_assert_int_ne(recording_open(path, &recording, message), 0);
        } else {
            recording = open_file();
            size_t whole = whole_frames(at), good = whole == 0 ? RECORDING_HEADER : frame_ends[whole - 1];
            size_t count = expect_beginning(recording);
            struct recording_rest rest = recording_rest(recording);
            if (count != whole || rest.end != RECORDING_CUT || rest.lost_bytes != image_size - good || !rest.why)
                ck_abort_msg("byte %zu: %zu readings, %zu lost", at, count, (size_t)rest.lost_bytes);
            recording_close(recording);
        }
        image[at] ^= (uint8_t)(1 << at % 8);
    }
}
END_TEST

START_TEST(what_follows_the_end_is_told)
{
    write_file(image, image_size);
    ck_assert_int_eq(pwrite(file, "x", 1, (off_t)image_size), 1);
    struct recording *recording = open_file();
    ck_assert_uint_eq(expect_beginning(recording), FRAMES);
    ck_assert_int_eq(recording_rest(recording).end, RECORDING_STOPPED);
    ck_assert_uint_eq(recording_rest(recording).lost_bytes, 1);
    ck_assert_ptr_nonnull(recording_rest(recording).why);
    recording_close(recording);
}
END_TEST

/* ---- files that are well-formed, and lies ---- */

/* After the first `after` frames, one with this payload; its checksum is right. */
static void write_lie(size_t after, const void *payload, size_t size)
{
    size_t begin = after == 0 ? RECORDING_HEADER : frame_ends[after - 1];
    uint8_t head[RECORDING_FRAME_HEAD];
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(size >> (8 * i));
    uLong sum = crc32(crc32(0, head, 4), payload, (uInt)size);
    for (int i = 0; i < 4; i++)
        head[4 + i] = (uint8_t)(sum >> (8 * i));
    write_file(image, begin);
    ck_assert_int_eq(pwrite(file, head, sizeof head, (off_t)begin), (ssize_t)sizeof head);
    ck_assert_int_eq(pwrite(file, payload, size, (off_t)(begin + sizeof head)), (ssize_t)size);
}

static bool adds_up(const struct tm_reading *reading)
{
    bool good = reading->process.freed_bytes <= reading->process.allocated_bytes;
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *row = &reading->threads[i];
        good &= row->totals.freed_bytes <= row->totals.allocated_bytes;
        good &= row->totals.allocated_bytes <= INT64_MAX && row->tid >= 0 && row->state <= TM_OVERFLOW;
        good &= strnlen(row->name, sizeof row->name) < sizeof row->name;
    }
    for (size_t i = 0; i < reading->tag_count; i++) {
        const struct tm_tag_reading *row = &reading->tags[i];
        good &= row->totals.freed_blocks <= row->totals.allocated_blocks && row->tag >= 0;
        good &= strnlen(row->name, sizeof row->name) < sizeof row->name;
    }
    for (size_t i = 1; i < reading->slot_count; i++)
        good &= reading->slots[i - 1].slot <= reading->slots[i].slot;
    return good;
}

/* Reads what there is, which adds up; how many readings. */
static size_t read_all(void)
{
    struct recording *recording = open_file();
    size_t count = 0;
    for (const struct recording_frame *frame; (frame = recording_next(recording)); count++)
        if (!adds_up(&frame->reading))
            ck_abort_msg("reading %zu does not add up", count);
    recording_close(recording);
    return count;
}

/* A frame's content; a byte more than that before it is free. */
static uint8_t *content_of(size_t frame, size_t *size)
{
    const uint8_t *payload = image + (frame == 0 ? RECORDING_HEADER : frame_ends[frame - 1]) + RECORDING_FRAME_HEAD;
    const uint8_t *end = image + frame_ends[frame];
    struct view view = {payload + 1, (size_t)(end - payload - 1)};
    uLongf inflated = payload[0] == PAYLOAD_DEFLATED ? view_number(&view) : view.size;
    uint8_t *content = malloc(inflated + 1);
    content[0] = PAYLOAD_PLAIN;
    if (payload[0] == PAYLOAD_DEFLATED)
        ck_assert_int_eq(uncompress(content + 1, &inflated, view.data, view.size), Z_OK);
    else
        memcpy(content + 1, view.data, view.size);
    *size = inflated;
    return content;
}

START_TEST(contents_that_are_lies_end_the_recording)
{
    uint64_t random = 88172645463325252;
    size_t refused = 0;
    for (size_t frame = 0; frame < FRAMES; frame += 7) {
        size_t size;
        uint8_t *content = content_of(frame, &size);
        write_lie(frame, content, size + 1);
        ck_assert_uint_eq(read_all(), frame + 1); /* unchanged, it is the frame */
        for (int i = 0; i < 1500; i++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            size_t at = 1 + random % size;
            uint8_t was = content[at];
            content[at] = (uint8_t)(random >> 40 & 1 ? random >> 32 : UINT64_C(0xff) << (random >> 41 & 7));
            write_lie(frame, content, size + 1);
            size_t count = read_all();
            ck_assert(count == frame || count == frame + 1);
            refused += count == frame;
            content[at] = was;
        }
        for (size_t cut = 0; cut < size; cut += 1 + size / 300) {
            write_lie(frame, content, cut + 1);
            ck_assert_uint_eq(read_all(), frame);
        }
        free(content);
    }
    ck_assert_uint_gt(refused, 100);
}
END_TEST

#define LIE(...)                                                                                                       \
    {                                                                                                                  \
        {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})                                                                \
    }
#define NOTHING_NEW 0x01, 0x00, 0x00, 0x00, 0x00, 0x00 /* a reading in which nothing has changed */
static const struct {
    uint8_t payload[24];
    size_t size;
} lies[] = {
    LIE(PAYLOAD_PLAIN, 0x07),        /* no kind of content */
    LIE(PAYLOAD_PLAIN, CONTENT_END), /* why? */
    LIE(PAYLOAD_PLAIN, CONTENT_END, RECORDING_CUT),
    LIE(PAYLOAD_PLAIN, CONTENT_END, RECORDING_ENDS),
    LIE(PAYLOAD_PLAIN, CONTENT_END, 1, 1),
    LIE(0x09, NOTHING_NEW), /* no form of payload */
    LIE(PAYLOAD_DEFLATED, 0x05, 1, 2, 3),
    LIE(PAYLOAD_DEFLATED, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3), /* inflates to 4 GiB */
    LIE(PAYLOAD_DEFLATED, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3),       /* to 32 MiB, from 3 bytes */
    LIE(PAYLOAD_DEFLATED, 0x00),
    LIE(PAYLOAD_PLAIN, NOTHING_NEW, 0x00),                                             /* something follows */
    LIE(PAYLOAD_PLAIN, 0x01, 0x00, 0x00, 0x00, 0x00),                                  /* flows are missing */
    LIE(PAYLOAD_PLAIN, 0x01, 0x04, 0x00),                                              /* no kind of change */
    LIE(PAYLOAD_PLAIN, 0x01, 0x03, 0, 0, 0, 0, 0, 0, 0),                               /* the process's row goes */
    LIE(PAYLOAD_PLAIN, 0x01, 0x02, 1, 0, 0, 0, 0, 0, 0, 0),                            /* a second such row */
    LIE(PAYLOAD_PLAIN, 0x01, 0x01, 0, 0, 2, 0, 0xff, 0xff, 3, 0, 0, 0, 0),             /* time goes back */
    LIE(PAYLOAD_PLAIN, 0x01, 0, 0, 0, 0x01, 0xff, 0xff, 0x7f, 0, 0, 0, 0),             /* no such thread */
    LIE(PAYLOAD_PLAIN, 0x01, 0x00, 0x02, 0x63, 0, 1, 0, 2, 0, 0, 0),                   /* a key that is not the row's */
    LIE(PAYLOAD_PLAIN, 0x01, 0x00, 0x02, 0x63, 0, 5, 0, 0xc6, 1, 1, 0, 0, 0, 0),       /* a name with a 0 in it */
    LIE(PAYLOAD_PLAIN, 0x01, 0x00, 0x02, 0x63, 0, 3, 0, 0xc6, 1, 6, 0, 0, 0),          /* open: 3 */
    LIE(PAYLOAD_PLAIN, 0x01, 0x00, 0x02, 0x63, 0, 0x41, 0, 0xc6, 1, 2, 0, 0, 0),       /* freed, never allocated */
    LIE(PAYLOAD_PLAIN, 0x01, 0x00, 0x02, 0x63, 0, 0x81, 0x40, 0, 0xc6, 1, 2, 0, 0, 0), /* no field has this bit */
    LIE(PAYLOAD_PLAIN, 0x01, 0x00, 0x02, 0x63, 0, 5, 0, 0xc6),                         /* fields are missing */
    LIE(PAYLOAD_PLAIN, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02),    /* a number of 65 bits */
};

START_TEST(a_lie_of_each_kind_is_refused)
{
    write_lie(5, lies[_i].payload, lies[_i].size);
    struct recording *recording = open_file();
    ck_assert_uint_eq(expect_beginning(recording), 5);
    ck_assert_int_eq(recording_rest(recording).end, RECORDING_CUT);
    ck_assert_ptr_nonnull(recording_rest(recording).why);
    recording_close(recording);
}
END_TEST

START_TEST(nothing_new_is_a_reading)
{
    const uint8_t payload[] = {PAYLOAD_PLAIN, NOTHING_NEW};
    write_lie(5, payload, sizeof payload);
    ck_assert_uint_eq(read_all(), 6);
    /* What is refused above is so for its lie: the same tag with a name, and without. */
    const uint8_t tag[] = {PAYLOAD_PLAIN, 1, 0, 2, 0x63, 0, 5, 0, 0xc6, 1, 1, 'x', 0, 0, 0};
    write_lie(5, tag, sizeof tag);
    ck_assert_uint_eq(read_all(), 6);
}
END_TEST

START_TEST(what_is_no_recording_is_told)
{
    struct recording *recording;
    char message[RECORDING_MESSAGE] = "";
    ck_assert_int_eq(recording_open("/nowhere/at/all", &recording, message), -ENOENT);
    ck_assert_ptr_nonnull(strstr(message, "/nowhere/at/all"));
    ck_assert_int_eq(recording_open("/", &recording, message), -EISDIR);
    write_file("hello, world, this is text and no recording", 43);
    ck_assert_int_eq(recording_open(path, &recording, message), -EINVAL);
    ck_assert_ptr_nonnull(strstr(message, "no recording"));
    image[8] = RECORDING_VERSION + 1;
    write_file(image, image_size);
    ck_assert_int_eq(recording_open(path, &recording, message), -EPROTONOSUPPORT);
    ck_assert_ptr_nonnull(strstr(message, "version"));
}
END_TEST

START_TEST(a_full_disk_leaves_what_fits)
{
    /* No file may be larger than this; in a process of its own, as all tests. */
    const rlim_t most = frame_ends[12] + (_i == 0 ? 20 : 0);
    const struct rlimit limit = {most, most};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    made_up_begin(&process, SEED);
    struct recording_info info = made_up_info(&process);
    ck_assert_int_eq(ftruncate(file, 0), 0);
    lseek(file, 0, SEEK_SET);
    struct recording_writer *writer = recording_begin(file, &info);
    for (int i = 0; i < 13; i++)
        ck_assert_int_eq(recording_add(writer, made_up_step(&process)), 0);
    ck_assert_int_eq(recording_add(writer, made_up_step(&process)), -EFBIG);
    ck_assert_int_eq(recording_add(writer, made_up_step(&process)), -EFBIG);
    ck_assert_uint_eq(recording_size(writer), frame_ends[12]);
    ck_assert_int_eq(recording_finish(writer, RECORDING_UNWRITTEN),
                     0); /* a few bytes; without room, the last reading's */
    struct recording *recording = open_file();
    ck_assert_uint_eq(expect_beginning(recording), _i == 0 ? 13 : 12);
    ck_assert_int_eq(recording_rest(recording).end, RECORDING_UNWRITTEN);
    ck_assert_ptr_null(recording_rest(recording).why);
    recording_close(recording);
}
END_TEST

/* What a broken reader might say is not written, or the recording could not be read. */
START_TEST(rows_out_of_all_bounds_are_left_out)
{
    made_up_begin(&process, SEED);
    struct recording_info info = made_up_info(&process);
    struct recording_frame frame = {.elapsed_ns = 5};
    struct tm_tag_reading tags[] = {
        {.tag = 1, .open = true, .name = "kept", .totals = {.allocated_bytes = 7}},
        {.tag = 1, .open = true, .name = "again"},
        {.tag = -2, .open = true, .name = "negative"},
        {.tag = 3, .name = "freed", .totals = {.allocated_bytes = 1, .freed_bytes = 2}},
        {.tag = 4, .name = "too large", .totals = {.allocated_bytes = UINT64_MAX}},
    };
    frame.reading.tags = tags;
    frame.reading.tag_count = 5;
    ck_assert_int_eq(ftruncate(file, 0), 0);
    lseek(file, 0, SEEK_SET);
    struct recording_writer *writer = recording_begin(file, &info);
    ck_assert_int_eq(recording_add(writer, &frame), 0);
    frame.reading.process.freed_bytes = 1;
    ck_assert_int_eq(recording_add(writer, &frame), -EINVAL);
    ck_assert_int_eq(recording_finish(writer, RECORDING_ENDED), 0);
    struct recording *recording = open_file();
    const struct recording_frame *read = recording_next(recording);
    ck_assert_ptr_nonnull(read);
    ck_assert_uint_eq(read->reading.tag_count, 1);
    ck_assert_int_eq(read->reading.tags[0].tag, 1);
    ck_assert_ptr_null(recording_next(recording));
    ck_assert_int_eq(recording_rest(recording).end, RECORDING_ENDED);
    recording_close(recording);
}
END_TEST

START_TEST(it_is_compact)
{
    /* 14 bytes a row of a thread that did something; the structs are 96, and as much again as slots. */
    size_t rows = 0;
    made_up_begin(&process, SEED);
    for (int i = 0; i < FRAMES; i++)
        rows += made_up_step(&process)->reading.thread_count;
    ck_assert_uint_lt(image_size, 14 * rows);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recording");
    TCase *tcase = tcase_create("recording");
    tcase_set_timeout(tcase, 300);
    tcase_add_checked_fixture(tcase, make_image, clear_up);
    tcase_add_test(tcase, what_is_read_is_what_was_written);
    tcase_add_test(tcase, a_file_is_cut_off_at_every_byte);
    tcase_add_test(tcase, each_byte_is_damaged);
    tcase_add_test(tcase, what_follows_the_end_is_told);
    tcase_add_test(tcase, contents_that_are_lies_end_the_recording);
    tcase_add_loop_test(tcase, a_lie_of_each_kind_is_refused, 0, sizeof lies / sizeof lies[0]);
    tcase_add_test(tcase, nothing_new_is_a_reading);
    tcase_add_test(tcase, what_is_no_recording_is_told);
    tcase_add_loop_test(tcase, a_full_disk_leaves_what_fits, 0, 2);
    tcase_add_test(tcase, rows_out_of_all_bounds_are_left_out);
    tcase_add_test(tcase, it_is_compact);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("version 1");
    tcase_set_timeout(tcase, 300);
    tcase_add_checked_fixture(tcase, make_old_image, clear_up);
    tcase_add_test(tcase, what_is_read_is_what_was_written);
    tcase_add_test(tcase, a_file_is_cut_off_at_every_byte);
    tcase_add_test(tcase, contents_that_are_lies_end_the_recording);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
