/* SPDX-License-Identifier: BSD-3-Clause */
/* recording_*.c: what is read is what was written, up to where a file is cut off or damaged, or a disk was full. */
#include "recording_image.h"
#include "recording/recording_format.h"
#include "recording/recording_write.h"
#include "support/suite.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

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

/* Rows that a broken reader might return are not written, since the recording could not be read then. */
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
    tcase_add_loop_test(tcase, a_full_disk_leaves_what_fits, 0, 2);
    tcase_add_test(tcase, rows_out_of_all_bounds_are_left_out);
    tcase_add_test(tcase, it_is_compact);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("version 1");
    tcase_set_timeout(tcase, 300);
    tcase_add_checked_fixture(tcase, make_old_image, clear_up);
    tcase_add_test(tcase, what_is_read_is_what_was_written);
    tcase_add_test(tcase, a_file_is_cut_off_at_every_byte);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
