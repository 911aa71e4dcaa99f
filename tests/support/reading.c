/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "support/reading.h"
#include "support/counters.h"

#include <dirent.h>
#include <fcntl.h>
#include <threadmeter/tags.h>
#include <unistd.h>

char publish_directory[64];

void make_publish_directory(void)
{
    strcpy(publish_directory, "/dev/shm/check_reader.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(publish_directory));
    setenv("THREADMETER_PUBLISH", publish_directory, 1);
}

void remove_publish_directory(void)
{
    DIR *files = opendir(publish_directory);
    for (struct dirent *entry; files && (entry = readdir(files));)
        if (unlinkat(dirfd(files), entry->d_name, 0) != 0)
            unlinkat(dirfd(files), entry->d_name, AT_REMOVEDIR);
    if (files)
        closedir(files);
    rmdir(publish_directory);
}

TCase *add_publishing_case(Suite *suite, const char *name, double seconds)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, seconds);
    tcase_add_checked_fixture(tcase, make_publish_directory, remove_publish_directory);
    suite_add_tcase(suite, tcase);
    return tcase;
}

struct tm_reader *open_pid(pid_t pid)
{
    struct tm_reader *reader = NULL;
    char message[TM_READER_MESSAGE] = "";
    int error = tm_reader_open_pid(pid, &reader, message);
    ck_assert_msg(error == 0, "%d: %s", error, message);
    return reader;
}

struct tm_reader *open_file(const char *path)
{
    struct tm_reader *reader = NULL;
    char message[TM_READER_MESSAGE] = "";
    int error = tm_reader_open(path, &reader, message);
    ck_assert_msg(error == 0, "%d: %s", error, message);
    return reader;
}

const struct tm_reading *read_from(struct tm_reader *reader)
{
    const struct tm_reading *reading = NULL;
    char message[TM_READER_MESSAGE] = "";
    int error = tm_reader_read(reader, &reading, message);
    ck_assert_msg(error == 0, "%d: %s", error, message);
    expect_sense(reading);
    return reading;
}

/* ---- what holds of any reading ---- */

static void expect_equal(const struct tm_totals *a, const struct tm_totals *b, const char *what)
{
    unsigned long long values[2];
    const char *counter = differing_counter(a, b, values);
    ck_assert_msg(!counter, "%s: %s is %llu, but %llu", what, counter, values[0], values[1]);
    ck_assert_msg(a->peak_bytes == b->peak_bytes, "%s: peak_bytes is %lu, but %lu", what, (long)a->peak_bytes,
                  (long)b->peak_bytes);
}

static void expect_possible(const struct tm_totals *totals, const char *what)
{
    bool possible = totals->freed_bytes <= totals->allocated_bytes &&
                    totals->freed_blocks <= totals->allocated_blocks &&
                    totals->remote_frees_received_bytes <= totals->freed_bytes &&
                    totals->remote_frees_received_blocks <= totals->freed_blocks &&
                    totals->allocated_bytes <= INT64_MAX && totals->allocated_blocks <= INT64_MAX &&
                    totals->remote_frees_made_bytes <= INT64_MAX && totals->peak_bytes <= INT64_MAX;
    ck_assert_msg(possible, "%s: allocated %lu in %lu, freed %lu in %lu, by others %lu in %lu, of others %lu, peak %lu",
                  what, (long)totals->allocated_bytes, (long)totals->allocated_blocks, (long)totals->freed_bytes,
                  (long)totals->freed_blocks, (long)totals->remote_frees_received_bytes,
                  (long)totals->remote_frees_received_blocks, (long)totals->remote_frees_made_bytes,
                  (long)totals->peak_bytes);
}

static void expect_sensible_slots(const struct tm_reading *reading)
{
    struct tm_totals sum = reading->retired;
    ck_assert_uint_ge(reading->slot_count, 2);
    ck_assert_int_eq(reading->slots[0].state, TM_LATE);
    ck_assert_int_eq(reading->slots[1].state, TM_OVERFLOW);
    for (size_t i = 0; i < reading->slot_count; i++) {
        const struct tm_slot *slot = &reading->slots[i];
        bool shared = i < 2;
        expect_possible(&slot->totals, "a slot");
        ck_assert_uint_le(tm_live_bytes(&slot->totals), slot->totals.peak_bytes);
        ck_assert_uint_le(slot->totals.peak_bytes, slot->thread_peak_bytes);
        ck_assert_uint_le(slot->thread_peak_bytes, INT64_MAX);
        ck_assert(i == 0 || slot->slot > reading->slots[i - 1].slot);
        ck_assert_int_eq(shared, slot->state == TM_LATE || slot->state == TM_OVERFLOW);
        ck_assert_int_eq(shared, slot->thread == 0);
        ck_assert_int_ge(slot->tag, 0);
        ck_assert_uint_lt(strnlen(slot->name, sizeof slot->name), sizeof slot->name);
        add_counters(&sum, &slot->totals);
    }
    sum.peak_bytes = reading->process.peak_bytes;
    expect_equal(&sum, &reading->process, "slots and what is retired");
}

static void expect_sensible_threads(const struct tm_reading *reading)
{
    struct tm_totals sum = reading->retired;
    ck_assert_uint_ge(reading->thread_count, 2);
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *thread = &reading->threads[i];
        bool shared = i + 2 >= reading->thread_count;
        expect_possible(&thread->totals, "a thread");
        ck_assert_int_eq(shared, thread->thread == 0);
        ck_assert_int_eq(shared, thread->state == TM_LATE || thread->state == TM_OVERFLOW);
        ck_assert_uint_lt(strnlen(thread->name, sizeof thread->name), sizeof thread->name);
        if (i > 0 && !shared)
            ck_assert_uint_le(tm_live_bytes(&thread->totals), tm_live_bytes(&thread[-1].totals));
        add_counters(&sum, &thread->totals);
    }
    sum.peak_bytes = reading->process.peak_bytes;
    expect_equal(&sum, &reading->process, "threads and what is retired");
}

static void expect_sensible_retired(const struct tm_reading *reading)
{
    struct tm_totals sum = {.peak_bytes = reading->retired.peak_bytes};
    for (size_t i = 0; i < reading->retired_row_count; i++) {
        const struct tm_retired *row = &reading->retired_rows[i];
        expect_possible(&row->totals, row->name);
        ck_assert_uint_lt(strnlen(row->name, sizeof row->name), sizeof row->name);
        ck_assert_uint_lt(strnlen(row->tag, sizeof row->tag), sizeof row->tag);
        if (i > 0)
            ck_assert_uint_le(row->totals.allocated_bytes, row[-1].totals.allocated_bytes);
        add_counters(&sum, &row->totals);
    }
    expect_equal(&sum, &reading->retired, "what is retired, by name");
}

static void expect_sensible_tags(const struct tm_reading *reading)
{
    for (size_t i = 0; i < reading->tag_count; i++) {
        const struct tm_tag_reading *tag = &reading->tags[i];
        expect_possible(&tag->totals, tag->name);
        ck_assert_int_gt(tag->tag, 0);
        ck_assert_uint_lt(strnlen(tag->name, sizeof tag->name), sizeof tag->name);
        if (i > 0)
            ck_assert_uint_le(tm_live_bytes(&tag->totals), tm_live_bytes(&tag[-1].totals));
    }
}

static bool is_others(const struct tm_flow *flow)
{
    return strcmp(flow->owner_name, "(others)") == 0;
}

static void expect_sensible_flows(const struct tm_reading *reading)
{
    uint64_t bytes = 0, blocks = 0;
    for (size_t i = 0; i < reading->flow_count; i++) {
        const struct tm_flow *flow = &reading->flows[i];
        ck_assert_uint_lt(strnlen(flow->owner_name, sizeof flow->owner_name), sizeof flow->owner_name);
        ck_assert_uint_lt(strnlen(flow->freer_name, sizeof flow->freer_name), sizeof flow->freer_name);
        ck_assert_uint_le(flow->bytes, (uint64_t)INT64_MAX - bytes);
        ck_assert_uint_le(flow->blocks, (uint64_t)INT64_MAX - blocks);
        if (i > 0 && !is_others(flow))
            ck_assert_uint_le(flow->bytes, flow[-1].bytes);
        bytes += flow->bytes;
        blocks += flow->blocks;
    }
    ck_assert(reading->flow_on || reading->flow_count == 0);
}

void expect_sense(const struct tm_reading *reading)
{
    expect_possible(&reading->process, "the process");
    expect_possible(&reading->retired, "what is retired");
    ck_assert_uint_le(tm_live_bytes(&reading->process), reading->process.peak_bytes);
    ck_assert_uint_lt(strnlen(reading->program, sizeof reading->program), sizeof reading->program);
    ck_assert_uint_gt(reading->time_ns, 0);
    expect_sensible_slots(reading);
    expect_sensible_threads(reading);
    expect_sensible_retired(reading);
    expect_sensible_tags(reading);
    expect_sensible_flows(reading);
}

/* ---- the same as here ---- */

enum { MOST = 4096 };

struct here {
    struct tm_totals process, retired;
    struct tm_cross_allocator_calls cross_allocator_calls;
    struct tm_slot slots[MOST];
    struct tm_tag_reading tags[MOST];
    struct tm_flow flows[MOST];
    struct tm_retired retired_rows[MOST];
    size_t slot_count, tag_count, flow_count, retired_row_count;
};

static int keep_slot(const struct tm_slot *slot, void *arg)
{
    struct here *here = arg;
    here->slots[here->slot_count] = *slot;
    return ++here->slot_count == MOST;
}

static int keep_tag(tm_tag tag, const char *name, const struct tm_totals *totals, void *arg)
{
    struct here *here = arg;
    struct tm_tag_reading *kept = &here->tags[here->tag_count];
    if (tag == TM_TAG_OTHER && totals->allocated_blocks == 0)
        return 0;
    *kept = (struct tm_tag_reading){.tag = tag, .totals = *totals};
    strcpy(kept->name, name);
    return ++here->tag_count == MOST;
}

static int keep_flow(const struct tm_flow *flow, void *arg)
{
    struct here *here = arg;
    here->flows[here->flow_count] = *flow;
    return ++here->flow_count == MOST;
}

static int keep_retired(const struct tm_retired *row, void *arg)
{
    struct here *here = arg;
    here->retired_rows[here->retired_row_count] = *row;
    return ++here->retired_row_count == MOST;
}

static void look_here(struct here *here)
{
    tm_each_slot(keep_slot, here); /* which updates the names, so it comes first */
    here->slot_count = 0;
    ck_assert_int_eq(tm_each_slot(keep_slot, here), 0);
    ck_assert_int_eq(tm_each_tag(keep_tag, here), 0);
    ck_assert_int_eq(tm_each_flow(keep_flow, here), 0);
    ck_assert_int_eq(tm_each_retired(keep_retired, here), 0);
    tm_process_totals(&here->process);
    tm_retired_totals(&here->retired);
    tm_process_cross_allocator_calls(&here->cross_allocator_calls);
}

static void expect_same_slot(const struct tm_slot *here, const struct tm_slot *there)
{
    ck_assert_uint_eq(there->slot, here->slot);
    ck_assert_uint_eq(there->generation, here->generation);
    ck_assert_uint_eq(there->thread, here->thread);
    ck_assert_int_eq(there->tag, here->tag);
    ck_assert_int_eq(there->tid, here->tid);
    ck_assert_int_eq(there->state, here->state);
    ck_assert_uint_eq(there->thread_peak_bytes, here->thread_peak_bytes);
    ck_assert_str_eq(there->name, here->name);
    expect_equal(&there->totals, &here->totals, "a slot");
}

static void expect_same_tags(const struct here *here, const struct tm_reading *reading)
{
    ck_assert_uint_eq(reading->tag_count, here->tag_count);
    for (size_t i = 0; i < here->tag_count; i++) {
        const struct tm_tag_reading *there = NULL;
        for (size_t j = 0; j < reading->tag_count; j++)
            if (reading->tags[j].tag == here->tags[i].tag)
                there = &reading->tags[j];
        ck_assert_msg(there != NULL, "no tag %s", here->tags[i].name);
        ck_assert_str_eq(there->name, here->tags[i].name);
        expect_equal(&there->totals, &here->tags[i].totals, there->name);
    }
}

static void expect_same_flows(const struct here *here, const struct tm_reading *reading)
{
    ck_assert_uint_eq(reading->flow_count, here->flow_count);
    for (size_t i = 0; i < here->flow_count; i++) {
        const struct tm_flow *flow = &here->flows[i], *there = NULL;
        for (size_t j = 0; j < reading->flow_count; j++)
            if (reading->flows[j].owner == flow->owner && reading->flows[j].freer == flow->freer)
                there = &reading->flows[j];
        ck_assert_msg(there != NULL, "no flow from %s to %s", flow->owner_name, flow->freer_name);
        ck_assert_uint_eq(there->bytes, flow->bytes);
        ck_assert_uint_eq(there->blocks, flow->blocks);
        ck_assert_int_eq(there->owner_tid, flow->owner_tid);
        ck_assert_int_eq(there->freer_tid, flow->freer_tid);
        ck_assert_str_eq(there->owner_name, flow->owner_name);
        ck_assert_str_eq(there->freer_name, flow->freer_name);
    }
}

static void expect_same_retired(const struct here *here, const struct tm_reading *reading)
{
    ck_assert_uint_eq(reading->retired_row_count, here->retired_row_count);
    for (size_t i = 0; i < here->retired_row_count; i++) {
        const struct tm_retired *row = &here->retired_rows[i], *there = NULL;
        for (size_t j = 0; j < reading->retired_row_count; j++)
            if (strcmp(reading->retired_rows[j].name, row->name) == 0 &&
                strcmp(reading->retired_rows[j].tag, row->tag) == 0)
                there = &reading->retired_rows[j];
        ck_assert_msg(there != NULL, "nothing retired of %s", row->name);
        ck_assert_uint_eq(there->accounts, row->accounts);
        ck_assert_uint_eq(there->thread_peak_bytes, row->thread_peak_bytes);
        expect_equal(&there->totals, &row->totals, row->name);
    }
}

void expect_same_as_here(const struct tm_reading *reading)
{
    static struct here here;
    here = (struct here){.slot_count = 0};
    look_here(&here);
    expect_equal(&reading->process, &here.process, "the process");
    expect_equal(&reading->retired, &here.retired, "what is retired");
    ck_assert_uint_eq(reading->cross_allocator_calls.foreign_frees, here.cross_allocator_calls.foreign_frees);
    ck_assert_uint_eq(reading->cross_allocator_calls.foreign_reallocs, here.cross_allocator_calls.foreign_reallocs);
    ck_assert_uint_eq(reading->cross_allocator_calls.intercepted_frees, here.cross_allocator_calls.intercepted_frees);
    ck_assert_uint_eq(reading->cross_allocator_calls.intercepted_reallocs,
                      here.cross_allocator_calls.intercepted_reallocs);
    ck_assert_uint_eq(reading->cross_allocator_calls.errors_reported, here.cross_allocator_calls.errors_reported);
    ck_assert_uint_eq(reading->slot_count, here.slot_count);
    for (size_t i = 0; i < here.slot_count; i++)
        expect_same_slot(&here.slots[i], &reading->slots[i]);
    expect_same_tags(&here, reading);
    expect_same_flows(&here, reading);
    expect_same_retired(&here, reading);
}

const struct tm_thread_reading *thread_named(const struct tm_reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->thread_count; i++)
        if (strcmp(reading->threads[i].name, name) == 0)
            return &reading->threads[i];
    return NULL;
}

const struct tm_tag_reading *tag_named(const struct tm_reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->tag_count; i++)
        if (strcmp(reading->tags[i].name, name) == 0)
            return &reading->tags[i];
    return NULL;
}

/* ---- what is found ---- */

char found[4096];
int found_count;

int keep_path(const char *path, void *arg)
{
    (void)arg;
    strcpy(found, path);
    found_count++;
    return 0;
}

const char *find_file(const char *directory)
{
    found_count = 0;
    ck_assert_int_eq(tm_reader_each(directory, keep_path, NULL), 0);
    ck_assert_int_eq(found_count, 1);
    return found;
}

void expect_no_reader(pid_t pid, int error, const char *text)
{
    struct tm_reader *reader = NULL;
    char message[TM_READER_MESSAGE] = "", expected[TM_READER_MESSAGE];
    int result = tm_reader_open_pid(pid, &reader, message);
    snprintf(expected, sizeof expected, text, (int)pid);
    ck_assert_msg(result == error, "%d: %s", result, message);
    ck_assert_ptr_null(reader);
    ck_assert_str_eq(message, expected);
    ck_assert_int_eq(tm_reader_open_pid(pid, &reader, NULL), error);
}
