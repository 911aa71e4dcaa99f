/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "support/published_file.h"

#include <fcntl.h>
#include <unistd.h>

char file_path[100];
int file;

void put(uint64_t offset, const void *bytes, size_t size)
{
    ck_assert_int_eq(pwrite(file, bytes, size, (off_t)offset), (ssize_t)size);
}

static void make_flows(void)
{
    const struct tm__flow_pair pair = {.key = UINT64_C(6) << 32 | 5, .bytes = 57, .blocks = 2};
    struct tm__flow_party party = {.thread = 5, .bytes = 57, .tid = 1234};
    memcpy((void *)party.name, "lives", 6);
    put(PAIR, &pair, sizeof pair);
    put(PARTY, &party, sizeof party);
}

static void make_head(void)
{
    struct tm__head head = small_head();
    head.pid = INT32_MAX;
    head.parent = 77;
    head.started_ns = 123456789;
    strcpy(head.program, "a program");
    head.slots_used = USED_SLOTS;
    head.tags_used = USED_TAGS;
    head.retired_used = 2;
    head.flow_is_on = 1;
    head.intercepted_frees = 4;
    put(0, &head, sizeof head);
}

void make_rows(void)
{
    make_head();
    make_flows();
    static struct tm__slot slots[USED_SLOTS];
    memset(slots, 0, sizeof slots);
    struct tm__slot *live = &slots[2], *orphan = &slots[3], *unused = &slots[4];
    live->owner.allocated_bytes = 1000;
    live->owner.allocated_blocks = 10;
    live->owner.freed_bytes = 100;
    live->owner.freed_blocks = 1;
    live->lanes[0].freed_bytes = 50;
    live->lanes[0].freed_blocks = 1;
    live->lanes[3].shared_bytes = 7;
    live->lanes[3].shared_blocks = 1;
    live->own.remote_frees_made_bytes = 20;
    live->home = 2;
    live->identity.generation_state = 3 << 8 | TM__OWNED;
    live->identity.thread = 5;
    live->identity.tid = 1234;
    live->identity.before.allocated_bytes = 40;
    live->identity.before.allocated_blocks = 1;
    live->identity.before.remote_frees_received_bytes = 7;
    live->identity.before.remote_frees_received_blocks = 1;
    live->identity.peak_bytes = 900;
    live->before_peak_bytes = 40;
    memcpy((void *)live->identity.name, "lives", 6);
    orphan->owner.allocated_bytes = 20;
    orphan->owner.allocated_blocks = 1;
    orphan->home = 4;
    orphan->identity.generation_state = 1 << 8 | TM__ORPHAN;
    orphan->identity.thread = 4;
    orphan->identity.tid = 1235;
    orphan->identity.tag = TM__TAG_PLACES + 2;
    orphan->identity.peak_bytes = 20;
    memcpy((void *)orphan->identity.name, "is gone", 8);
    unused->owner.allocated_bytes = unused->owner.freed_bytes = 500;
    unused->owner.allocated_blocks = unused->owner.freed_blocks = 2;
    unused->identity.generation_state = 1 << 8 | TM__FREE;
    unused->identity.thread = 4;
    unused->identity.peak_bytes = 300;
    unused->identity.thread_peak_bytes = 320;
    put(SLOTS_OFFSET, slots, sizeof slots);
    static struct tm__tag tags[USED_TAGS];
    memset(tags, 0, sizeof tags);
    tags[1].number = 1;
    tags[1].state = TM__TAG_OPEN;
    tags[2].number = TM__TAG_PLACES + 2;
    tags[2].state = TM__TAG_ENDED;
    tags[2].limit = 99;
    strcpy(tags[2].name.text, "a tag");
    tags[2].gone.allocated_bytes = 10;
    tags[2].gone.allocated_blocks = 1;
    tags[2].gone_peak_bytes = 10;
    put(TAGS_OFFSET, tags, sizeof tags);
    struct tm__retired retired = {.accounts = 1, .peak_bytes = 300, .thread_peak_bytes = 320};
    memcpy((void *)retired.name, "is gone", 8);
    retired.counted.allocated_bytes = 500;
    retired.counted.allocated_blocks = 2;
    put(GONE(1, name), &retired, sizeof retired);
}

void make_file(void)
{
    make_publish_directory();
    snprintf(file_path, sizeof file_path, "%s/1-2.tm", publish_directory);
    file = open(file_path, O_RDWR | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(ftruncate(file, SIZE), 0);
    make_rows();
}

void remove_file(void)
{
    close(file);
    remove_publish_directory();
}

static void expect_message(const char *message, const char *text)
{
    char expected[TM_READER_MESSAGE];
    snprintf(expected, sizeof expected, "%s %s", file_path, text);
    ck_assert_str_eq(message, expected);
}

void expect_unopened(int error, const char *text)
{
    struct tm_reader *reader = NULL;
    char message[TM_READER_MESSAGE] = "";
    int result = tm_reader_open(file_path, &reader, message);
    ck_assert_ptr_null(reader);
    expect_message(message, text);
    ck_assert_int_eq(result, error);
    ck_assert_int_eq(tm_reader_open(file_path, &reader, NULL), error);
}

void expect_unread(struct tm_reader *reader, const char *text)
{
    const struct tm_reading *reading = NULL;
    char message[TM_READER_MESSAGE] = "";
    int result = tm_reader_read(reader, &reading, message);
    expect_message(message, text);
    ck_assert_int_eq(result, -EINVAL);
    ck_assert_ptr_null(reading);
    ck_assert_int_eq(tm_reader_read(reader, &reading, NULL), -EINVAL);
}

void expect_damage(const char *text)
{
    struct tm_reader *reader = open_file(file_path);
    expect_unread(reader, text);
    tm_reader_close(reader);
}

bool read_if_possible(void)
{
    struct tm_reader *reader = NULL;
    const struct tm_reading *reading = NULL;
    char message[TM_READER_MESSAGE] = "";
    int error = tm_reader_open(file_path, &reader, message);
    ck_assert(error == 0 || error == -EINVAL || error == -EPROTONOSUPPORT);
    if (!error) {
        error = tm_reader_read(reader, &reading, message);
        ck_assert(error == 0 || error == -EINVAL);
    }
    if (reading)
        expect_sense(reading);
    tm_reader_close(reader);
    ck_assert_int_eq(error == 0, message[0] == '\0');
    return error == 0;
}

const struct tm_reading *read_new(struct tm_reader **reader)
{
    tm_reader_close(*reader);
    *reader = open_file(file_path);
    return read_from(*reader);
}
