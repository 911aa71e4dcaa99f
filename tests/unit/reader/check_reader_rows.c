/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threadmeter/reader.h: rows. With any bytes in them, or while they change, there is a reading that makes sense, or an
 * error that says what is wrong.
 */
#define _GNU_SOURCE
#include "support/published_file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

START_TEST(an_honest_one)
{
    struct tm_reader *reader = open_file(file_path);
    const struct tm_reading *reading = read_from(reader);
    ck_assert_str_eq(tm_reader_path(reader), file_path);
    ck_assert(!reading->live);
    ck_assert_int_eq(reading->pid, INT32_MAX);
    ck_assert_int_eq(reading->parent, 77);
    ck_assert_uint_eq(reading->started_ns, 123456789);
    ck_assert_str_eq(reading->program, "a program");
    ck_assert_uint_eq(reading->cross_allocator_calls.intercepted_frees, 4);
    ck_assert_uint_eq(reading->slot_count, 4);
    ck_assert_uint_eq(reading->thread_count, 4);
    const struct tm_thread_reading *lives = &reading->threads[0], *orphan = &reading->threads[1];
    ck_assert_str_eq(lives->name, "lives");
    expect_live(&lives->totals, 843, 7);
    ck_assert_uint_eq(lives->totals.allocated_bytes, 960);
    ck_assert_uint_eq(lives->totals.remote_frees_received_bytes, 50);
    ck_assert_uint_eq(lives->totals.remote_frees_made_bytes, 20);
    ck_assert_uint_eq(lives->totals.peak_bytes, 900);
    ck_assert_str_eq(orphan->name, "is gone");
    ck_assert_uint_eq(orphan->totals.peak_bytes, 320); /* its first slot is free, and had more */
    ck_assert_uint_eq(reading->retired.allocated_bytes, 540);
    ck_assert_uint_eq(reading->retired.peak_bytes, 340);
    ck_assert_uint_eq(reading->retired_row_count, 2);
    ck_assert_str_eq(reading->retired_rows[0].name, "is gone");
    ck_assert_uint_eq(reading->retired_rows[0].totals.allocated_bytes, 500);
    ck_assert_uint_eq(reading->retired_rows[0].totals.peak_bytes, 300);
    ck_assert_uint_eq(reading->retired_rows[0].thread_peak_bytes, 320);
    ck_assert_str_eq(reading->retired_rows[1].name, "(unknown)");
    ck_assert_uint_eq(reading->retired_rows[1].totals.allocated_bytes, 40);
    ck_assert_uint_eq(reading->process.peak_bytes, 1220);
    ck_assert_uint_eq(reading->tag_count, 1);
    ck_assert_str_eq(reading->tags[0].name, "a tag");
    ck_assert(!reading->tags[0].open);
    ck_assert_uint_eq(reading->tags[0].limit_bytes, 99);
    expect_live(&reading->tags[0].totals, 20, 1);
    ck_assert_uint_eq(reading->tags[0].totals.allocated_bytes, 30);
    ck_assert_uint_eq(reading->flow_count, 1);
    ck_assert_str_eq(reading->flows[0].owner_name, "lives");
    ck_assert_str_eq(reading->flows[0].freer_name, "(unknown)");
    ck_assert_uint_eq(reading->flows[0].bytes, 57);
    tm_reader_close(reader);
}
END_TEST

/* ---- rows ---- */

#define SLOT_2 "is damaged: slot 2 does not add up"
#define SLOT_4 "is damaged: slot 4 does not add up"
#define TAG_2 "is damaged: tag 4098 does not add up"
#define RETIRED_ROWS "is damaged: what is retired by name does not add up"
#define FLOWS "is damaged: its flows are too large together"

static const struct {
    size_t offset;
    uint64_t value;
    const char *text;
} rows[] = {
    {SLOT(2, owner.allocated_bytes), 156, SLOT_2}, /* less than was freed */
    {SLOT(2, owner.allocated_blocks), 2, SLOT_2},
    {SLOT(2, owner.freed_bytes), 944, SLOT_2},
    {SLOT(2, owner.freed_blocks), 9, SLOT_2},
    {SLOT(2, lanes[1].freed_bytes), UINT64_MAX - 1, SLOT_2}, /* a sum that overflows */
    {SLOT(2, lanes[2].shared_blocks), 1ul << 63, SLOT_2},
    {SLOT(2, owner.allocated_bytes), UINT64_MAX, SLOT_2},
    {SLOT(2, owner.allocated_blocks), UINT64_MAX, SLOT_2},
    {SLOT(2, own.remote_frees_made_bytes), UINT64_MAX, SLOT_2},
    {SLOT(2, identity.before.remote_frees_made_bytes), 21, SLOT_2},
    {SLOT(2, identity.before.allocated_bytes), 158, SLOT_2}, /* more than was ever freed */
    {SLOT(2, identity.before.allocated_blocks), 4, SLOT_2},
    {SLOT(2, identity.before.remote_frees_received_bytes), 58, SLOT_2},
    {SLOT(2, identity.before.remote_frees_received_blocks), 3, SLOT_2},
    {SLOT(2, identity.peak_bytes), UINT64_MAX, SLOT_2},
    {SLOT(2, before_peak_bytes), UINT64_MAX, SLOT_2},
    {SLOT(2, identity.thread_peak_bytes), UINT64_MAX, SLOT_2},
    {SLOT(2, identity.thread), 0, SLOT_2},
    {SLOT(4, owner.freed_bytes), 501, SLOT_4},
    {SLOT(4, before_peak_bytes), UINT64_MAX - 1, SLOT_4},
    {TAG(2, gone.allocated_bytes), UINT64_MAX, TAG_2},
    {TAG(2, gone.allocated_blocks), 1ul << 63, TAG_2},
    {TAG(2, gone.remote_frees_received_bytes), 11, TAG_2},
    {TAG(2, gone.remote_frees_received_blocks), 2, TAG_2},
    {TAG(2, gone.remote_frees_made_bytes), UINT64_MAX, TAG_2},
    {TAG(2, gone_peak_bytes), UINT64_MAX, TAG_2},
    {TAG(2, gone.allocated_bytes), 1ul << 62, TAG_2},      /* too much with what its slot has */
    {GONE(1, counted.allocated_bytes), 541, RETIRED_ROWS}, /* more than the slots say */
    {GONE(1, counted.allocated_blocks), 4, RETIRED_ROWS},
    {GONE(1, counted.remote_frees_received_bytes), 8, RETIRED_ROWS},
    {GONE(1, counted.remote_frees_made_bytes), UINT64_MAX, RETIRED_ROWS},
    {GONE(1, peak_bytes), UINT64_MAX, RETIRED_ROWS},
    {GONE(1, thread_peak_bytes), UINT64_MAX, RETIRED_ROWS},
    {GONE(1, accounts), UINT64_MAX, RETIRED_ROWS},
    {PAIR + offsetof(struct tm__flow_pair, bytes), UINT64_MAX, FLOWS},
    {PAIR + offsetof(struct tm__flow_pair, blocks), 1ul << 63, FLOWS},
    {FLOWS_OFFSET + offsetof(struct tm__flows, displaced_blocks), UINT64_MAX, FLOWS},
};

START_TEST(rows_that_do_not_add_up)
{
    put(rows[_i].offset, &rows[_i].value, sizeof rows[_i].value);
    expect_damage(rows[_i].text);
}
END_TEST

START_TEST(rows_that_are_too_large_together)
{
    const uint64_t large = 1ul << 62;
    put(SLOT(2, owner.allocated_bytes), &large, sizeof large);
    put(SLOT(2, identity.peak_bytes), &large, sizeof large);
    expect_damage("is damaged: its slots are too large together");
}
END_TEST

/* No thread can own more than the peak. */
START_TEST(no_more_is_live_than_the_peak)
{
    const uint64_t peak = 800;
    put(SLOT(2, identity.peak_bytes), &peak, sizeof peak);
    struct tm_reader *reader = open_file(file_path);
    ck_assert_uint_eq(tm_live_bytes(&thread_named(read_from(reader), "lives")->totals), 800);
    tm_reader_close(reader);
}
END_TEST

START_TEST(tags_that_cannot_be_are_none)
{
    static const int32_t numbers[] = {0, -1, INT32_MIN, 2, 3, TM__TAG_PLACES + 3, INT32_MAX};
    const int32_t right = TM__TAG_PLACES + 2, state = 77;
    struct tm_reader *reader = NULL;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        put(TAG(2, number), &numbers[i], sizeof numbers[i]);
        const struct tm_reading *reading = read_new(&reader);
        ck_assert_uint_eq(reading->tag_count, numbers[i] == 2);
        ck_assert_int_eq(thread_named(reading, "is gone")->state, TM_ORPHAN);
    }
    put(TAG(2, number), &right, sizeof right);
    put(TAG(2, state), &state, sizeof state);
    ck_assert_uint_eq(read_new(&reader)->tag_count, 0);
    const uint32_t tag = UINT32_MAX;
    put(SLOT(3, identity.tag), &tag, sizeof tag);
    ck_assert_int_ge(read_new(&reader)->slots[3].tag, 0);
    tm_reader_close(reader);
}
END_TEST

START_TEST(states_and_homes_that_cannot_be)
{
    const uint64_t life = UINT64_MAX;
    const uint32_t home = UINT32_MAX;
    struct tm_reader *reader = NULL;
    put(SLOT(2, identity.generation_state), &life, sizeof life);
    put(SLOT(0, identity.generation_state), &life, sizeof life);
    put(SLOT(3, home), &home, sizeof home);
    const struct tm_reading *reading = read_new(&reader);
    ck_assert_int_eq(thread_named(reading, "lives")->state, TM_ORPHAN);
    ck_assert_uint_eq(thread_named(reading, "is gone")->totals.peak_bytes, 20);
    tm_reader_close(reader);
}
END_TEST

START_TEST(flows_that_cannot_be_are_none)
{
    static const uint64_t keys[] = {5, UINT64_C(5) << 32};
    struct tm_reader *reader = NULL;
    for (size_t i = 0; i < 2; i++) {
        put(PAIR, &keys[i], sizeof keys[i]);
        ck_assert_uint_eq(read_new(&reader)->flow_count, 0);
    }
    tm_reader_close(reader);
}
END_TEST

START_TEST(names_without_an_end)
{
    char long_name[64];
    struct tm_reader *reader = NULL;
    memset(long_name, 'x', sizeof long_name);
    put(offsetof(struct tm__head, program), long_name, TM__NAME);
    put(SLOT(2, identity.name), long_name, TM__NAME);
    put(TAG(2, name), long_name, TM__TAG_NAME);
    put(PARTY + offsetof(struct tm__flow_party, name), long_name, TM__NAME);
    const struct tm_reading *reading = read_new(&reader);
    ck_assert_str_eq(reading->program, "xxxxxxxxxxxxxxx");
    ck_assert_str_eq(reading->threads[0].name, "xxxxxxxxxxxxxxx");
    ck_assert_uint_eq(strlen(reading->tags[0].name), TM__TAG_NAME - 1);
    ck_assert_str_eq(reading->flows[0].owner_name, "xxxxxxxxxxxxxxx");
    tm_reader_close(reader);

    long_name[0] = '\0'; /* and one that ends at once */
    put(offsetof(struct tm__head, program), long_name, TM__NAME);
    put(SLOT(2, identity.name), long_name, TM__NAME);
    put(TAG(2, name), long_name, TM__TAG_NAME);
    put(PARTY + offsetof(struct tm__flow_party, name), long_name, TM__NAME);
    reader = NULL;
    reading = read_new(&reader);
    ck_assert_str_eq(reading->program, "(unnamed)");
    ck_assert_str_eq(reading->threads[0].name, "(unnamed)");
    ck_assert_str_eq(reading->tags[0].name, "(unnamed)");
    ck_assert_str_eq(reading->flows[0].owner_name, "(unnamed)");
    tm_reader_close(reader);
}
END_TEST

/* Any value at any place. */
START_TEST(damage_at_random)
{
    const uint32_t flow_is_on = _i == 0;
    uint64_t random = (uint64_t)_i + 1;
    int good = 0;
    put(offsetof(struct tm__head, flow_is_on), &flow_is_on, sizeof flow_is_on);
    for (int i = 0; i < 600; i++) {
        struct change {
            uint64_t offset, word;
        } changes[3];
        int count = 1 + (int)(random_next(&random) % 3);
        for (int k = 0; k < count; k++) {
            uint64_t r = random_next(&random),
                     place = r / 8 % ((SLOTS_OFFSET + USED_SLOTS * sizeof(struct tm__slot)) / 4);
            uint64_t value = r % 4 == 0 ? random_next(&random) : r % 4 == 1 ? UINT64_C(1) << r / 4 % 64 : r / 4 % 3000;
            changes[k].offset = place * 4;
            ck_assert_int_eq(pread(file, &changes[k].word, 8, (off_t)changes[k].offset), 8);
            put(changes[k].offset, &value, r % 3 == 0 ? 4 : 8);
        }
        good += read_if_possible();
        while (count-- > 0)
            put(changes[count].offset, &changes[count].word, 8);
    }
    ck_assert_int_gt(good, 20);
    ck_assert(read_if_possible());
}
END_TEST

/* ---- while it is read ---- */

static _Atomic bool enough;

static void *change_all_the_time(void *arg)
{
    uint64_t random = 5;
    while (!atomic_load(&enough)) {
        uint64_t r = random_next(&random), value = r % 2 ? random_next(&random) : r / 16 % 2000;
        if (r % 16 == 0 && ftruncate(file, (off_t)(r / 16 % SIZE)) != 0)
            abort();
        if (r % 16 < 3) { /* and whole again */
            if (ftruncate(file, SIZE) != 0)
                abort();
            make_rows();
        }
        uint64_t place = SLOTS_OFFSET + r / 64 % (USED_SLOTS * sizeof(struct tm__slot) / 8) * 8;
        if (r % 64 < 8 && pwrite(file, &value, sizeof value, (off_t)place) < 0)
            abort();
    }
    return arg;
}

START_TEST(a_file_that_changes_as_it_is_read)
{
    pthread_t thread;
    struct tm_reader *reader = open_file(file_path);
    ck_assert_int_eq(pthread_create(&thread, NULL, change_all_the_time, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        const struct tm_reading *reading = NULL;
        char message[TM_READER_MESSAGE] = "";
        int error = tm_reader_read(reader, &reading, message);
        ck_assert(error == 0 || (error == -EINVAL && message[0] != '\0'));
        if (reading)
            expect_sense(reading);
    }
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
    tm_reader_close(reader);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
    Suite *suite = suite_create("reader_rows");
    TCase *tcase = tcase_create("reader_rows");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_file, remove_file);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, an_honest_one);
    tcase_add_loop_test(tcase, rows_that_do_not_add_up, 0, COUNT(rows));
    tcase_add_test(tcase, rows_that_are_too_large_together);
    tcase_add_test(tcase, no_more_is_live_than_the_peak);
    tcase_add_test(tcase, tags_that_cannot_be_are_none);
    tcase_add_test(tcase, states_and_homes_that_cannot_be);
    tcase_add_test(tcase, flows_that_cannot_be_are_none);
    tcase_add_test(tcase, names_without_an_end);
    tcase_add_loop_test(tcase, damage_at_random, 0, 3);
    tcase_add_test(tcase, a_file_that_changes_as_it_is_read);
    return run_suite(suite);
}
