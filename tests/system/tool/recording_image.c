/* SPDX-License-Identifier: BSD-3-Clause */
#include "recording_image.h"
#include "old_recording.h"
#include "recording/recording_write.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct made_up process;
uint8_t *image;
size_t image_size, frame_ends[FRAMES + 1];
char path[64];
int file;

void write_file(const void *data, size_t size)
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

void make_image(void)
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

void make_old_image(void)
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

void clear_up(void)
{
    close(file);
    free(image);
}

size_t whole_frames(size_t size)
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

size_t expect_beginning(struct recording *recording)
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

struct recording *open_file(void)
{
    struct recording *recording;
    char message[RECORDING_MESSAGE];
    ck_assert_msg(recording_open(path, &recording, message) == 0, "%s", message);
    return recording;
}
