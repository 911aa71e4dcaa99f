/* SPDX-License-Identifier: BSD-3-Clause */
/* threadmeter/reader.h: tags, and the peaks of threads with tags, are to the byte what the process says of itself. */
#define _GNU_SOURCE
#include "read_self.h"

#include <threadmeter/limits.h>
#include <threadmeter/tags.h>
#include <unistd.h>

static tm_tag tags[4];

static void allocate_in(tm_tag tag, int place, size_t size)
{
    tm_tag previous = tm_tag_enter(tag);
    kept[place] = tm_malloc(size);
    tm_free(tm_malloc(size / 2));
    tm_tag_leave(previous);
}

static void *use_tags(void *arg)
{
    allocate_in(tags[0], 10, 1000);
    allocate_in(tags[1], 11, 500);
    tm_free(kept[12]);
    return arg;
}

START_TEST(tags_that_are_open_ended_and_used_again)
{
    tags[0] = tm_tag_open("open");
    tags[1] = tm_tag_open("ends");
    tags[2] = tm_tag_open("empty");
    tm_tag_limit(tags[0], 123456);
    kept[0] = tm_malloc(50);
    allocate_in(tags[0], 12, 70);
    allocate_in(tags[1], 13, 80);
    expect_same();
    in_thread(use_tags, NULL);
    expect_same();
    tm_tag_close(tags[1]);
    expect_same();

    struct tm_reader *reader = open_pid(getpid());
    const struct tm_reading *reading = read_from(reader);
    const struct tm_tag_reading *open = tag_named(reading, "open"), *ended = tag_named(reading, "ends");
    ck_assert_uint_eq(reading->tag_count, 3);
    ck_assert_ptr_nonnull(open);
    ck_assert_ptr_nonnull(ended);
    ck_assert(open->open && !ended->open && tag_named(reading, "empty")->open);
    ck_assert_uint_eq(open->limit_bytes, 123456);
    ck_assert_uint_eq(ended->limit_bytes, 0);
    expect_live(&open->totals, 1000, 1);
    expect_live(&ended->totals, 580, 2);
    ck_assert_uint_eq(open->totals.remote_frees_received_bytes, 70);

    tm_free(kept[11]);
    tm_free(kept[13]);
    tm_tag_leave(tm_tag_enter(tags[0])); /* looks for tags that have ended */
    reading = read_from(reader);
    ck_assert_ptr_null(tag_named(reading, "ends"));
    expect_same_as_here(reading);
    for (int i = 0; i < 20; i++) { /* the same place, another number */
        char name[16];
        sprintf(name, "again-%d", i);
        tags[1] = tm_tag_open(name);
        allocate_in(tags[1], 13, (size_t)i + 1);
        reading = read_from(reader);
        ck_assert_ptr_nonnull(tag_named(reading, name));
        expect_same_as_here(reading);
        tm_free(kept[13]);
        tm_tag_close(tags[1]);
    }
    expect_same_as_here(read_from(reader));
    tm_reader_close(reader);
}
END_TEST

/* A thread's peak is with its first slot, which may be gone before the others. */
static void *leave_what_is_tagged(void *arg)
{
    tm_free(tm_malloc(3000));
    allocate_in(tags[0], 10, 100);
    void *more = tm_malloc(500);
    allocate_in(tags[1], 11, 200);
    tm_free(more);
    return arg;
}

START_TEST(peaks_of_threads_with_tags)
{
    tags[0] = tm_tag_open("a");
    tags[1] = tm_tag_open("b");
    allocate_in(tags[0], 12, 4000);
    allocate_in(tags[1], 13, 5000);
    expect_same();
    struct tm_totals here = thread_totals();
    struct tm_reader *reader = open_pid(getpid());
    const struct tm_reading *reading = read_from(reader);
    ck_assert_uint_eq(reading->threads[0].totals.peak_bytes, here.peak_bytes);
    expect_live(&reading->threads[0].totals, 9000, 2);
    in_thread(leave_what_is_tagged, NULL);
    reading = read_from(reader);
    expect_same_as_here(reading);
    ck_assert_int_eq(reading->threads[1].state, TM_ORPHAN);
    expect_live(&reading->threads[1].totals, 300, 2);
    ck_assert_uint_eq(reading->threads[1].totals.peak_bytes, 3000);

    tm_free(kept[12]); /* its tags are empty: its first slot's own peak is what grows */
    tm_free(kept[13]);
    tm_free(tm_malloc(20000));
    tm_free(tm_malloc(30000));
    reading = read_from(reader);
    expect_same_as_here(reading);
    ck_assert_uint_eq(reading->threads[1].totals.peak_bytes, 30000); /* now it owns less */
    tm_reader_close(reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader_tags");
    TCase *tcase = add_publishing_case(suite, "reader_tags", 60);
    tcase_add_test(tcase, tags_that_are_open_ended_and_used_again);
    tcase_add_test(tcase, peaks_of_threads_with_tags);
    return run_suite(suite);
}
