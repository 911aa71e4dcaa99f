/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * recording_read.c: frames whose checksum is right, and whose contents no writer writes; and files that are no recording.
 * What is read up to there adds up.
 */
#include "recording_image.h"
#include "recording/recording_bytes.h"
#include "recording/recording_format.h"
#include "support/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

/* Writes the first `after` frames, and then one with this payload, whose checksum is right. */
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

/* Reads all readings, each of which must add up; returns how many there are. */
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

/* A frame's content as a payload: after one byte, which says that it is plain. The caller frees it. */
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
        ck_assert_uint_eq(read_all(), frame + 1); /* while it is unchanged, it is the frame */
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
    /* The tag with a 0 in its name, above, is refused for that 0: with another letter it is read. */
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
int main(void)
{
    Suite *suite = suite_create("recording_invalid");
    TCase *tcase = tcase_create("recording_invalid");
    tcase_set_timeout(tcase, 300);
    tcase_add_checked_fixture(tcase, make_image, clear_up);
    tcase_add_test(tcase, contents_that_are_lies_end_the_recording);
    tcase_add_loop_test(tcase, a_lie_of_each_kind_is_refused, 0, sizeof lies / sizeof lies[0]);
    tcase_add_test(tcase, nothing_new_is_a_reading);
    tcase_add_test(tcase, what_is_no_recording_is_told);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("version 1");
    tcase_set_timeout(tcase, 300);
    tcase_add_checked_fixture(tcase, make_old_image, clear_up);
    tcase_add_test(tcase, contents_that_are_lies_end_the_recording);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
