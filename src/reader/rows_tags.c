/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader/rows_tags.h"
#include "reader/arrays.h"
#include "reader/message.h"
#include "state/settled.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 64, OTHER = 1 /* TM_TAG_OTHER */ };

int tm__read_tags(const struct tm__source *source, uint32_t count, struct tm__tag **tags,
                  char message[TM_READER_MESSAGE])
{
    *tags = aligned_alloc(alignof(struct tm__tag), (count ? count : 1) * sizeof **tags);
    if (!*tags)
        return tm__no_memory(message);
    return tm__read_source(source, *tags, count * sizeof **tags, source->places.tags_offset)
               ? 0
               : tm__cut_off(source, message);
}

/* Number and state are the halves of one word, so the two are of one moment. */
bool tm__are_same_tags(const struct tm__tag *before, const struct tm__tag *after, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (before[i].changes != after[i].changes || before[i].changes % 2 != 0 ||
            before[i].number != after[i].number || before[i].state != after[i].state)
            return false;
    return true;
}

static void describe(const struct tm__tag *tag, struct tm_tag_reading *reading)
{
    *reading = (struct tm_tag_reading){.tag = tag->number,
                                       .open = tag->state == TM__TAG_OPEN,
                                       .limit_bytes = tag->limit,
                                       .totals = tm__settled_totals(&tag->gone)};
    reading->totals.peak_bytes = tag->gone_peak_bytes;
    memcpy(reading->name, tag->name.text, TM__TAG_NAME);
    reading->name[TM__TAG_NAME - 1] = '\0';
    if (!*reading->name)
        strcpy(reading->name, TM__UNNAMED);
}

static int say_damaged(const struct tm__source *source, int32_t tag, char message[TM_READER_MESSAGE])
{
    tm__say(message, "%s is damaged: tag %d does not add up", source->path, (int)tag);
    return -EINVAL;
}

/* If a tag lost a slot just when it was read, one part of it may be older than another: then it is read again. */
static int add_tag(const struct tm__source *source, struct tm__rows *rows, uint32_t place, const struct tm__tag *read,
                   char message[TM_READER_MESSAGE])
{
    struct tm__tag tag = *read;
    uint64_t offset = source->places.tags_offset + (uint64_t)place * sizeof tag;
    for (int i = 0; i < ATTEMPTS; i++) {
        bool used = tag.state == TM__TAG_OPEN || tag.state == TM__TAG_ENDED;
        if (!used || tag.number <= 0 || (uint32_t)tag.number % TM__TAG_PLACES != place)
            return 0;
        if (!tm__grow(&rows->tags, &rows->tag_capacity, rows->tag_count, sizeof *rows->tags))
            return tm__no_memory(message);
        describe(&tag, &rows->tags[rows->tag_count]);
        if (tm__is_possible(&rows->tags[rows->tag_count].totals)) {
            rows->tag_count++;
            return 0;
        }
        if (!tm__read_source(source, &tag, sizeof tag, offset))
            return tm__cut_off(source, message);
    }
    return say_damaged(source, tag.number, message);
}

/* The tag of this number in the array; NULL if it is not there. */
static struct tm_tag_reading *find_tag(const struct tm__rows *rows, const uint16_t index[TM__TAG_PLACES],
                                       int32_t number)
{
    uint16_t at = index[(uint32_t)number % TM__TAG_PLACES];
    return at < rows->tag_count && rows->tags[at].tag == number ? &rows->tags[at] : NULL;
}

static int add_slots(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE])
{
    uint16_t index[TM__TAG_PLACES] = {0};
    for (size_t i = 0; i < rows->tag_count; i++)
        index[(uint32_t)rows->tags[i].tag % TM__TAG_PLACES] = (uint16_t)i;
    for (size_t i = 0; i < rows->slot_count; i++) {
        const struct tm_slot *slot = &rows->slots[i];
        struct tm_tag_reading *tag = slot->tag != 0 ? find_tag(rows, index, slot->tag) : NULL;
        if (!tag)
            continue;
        tm__add_totals(&tag->totals, &slot->totals);
        tag->totals.peak_bytes += slot->totals.peak_bytes;
        if (!tm__is_possible(&tag->totals))
            return say_damaged(source, tag->tag, message);
    }
    return 0;
}

/* TM_TAG_OTHER, the first tag, is open from the start. It is shown only once something was charged to it. */
static void drop_unused_other(struct tm__rows *rows)
{
    if (rows->tag_count > 0 && rows->tags[0].tag == OTHER && rows->tags[0].totals.allocated_blocks == 0 &&
        rows->tags[0].totals.remote_frees_made_bytes == 0)
        memmove(rows->tags, rows->tags + 1, --rows->tag_count * sizeof *rows->tags);
}

int tm__collect_tags(const struct tm__source *source, struct tm__rows *rows, const struct tm__tag *tags, uint32_t count,
                     char message[TM_READER_MESSAGE])
{
    rows->tag_count = 0;
    for (uint32_t place = 1; place < count; place++) {
        int error = add_tag(source, rows, place, &tags[place], message);
        if (error)
            return error;
    }
    int error = add_slots(source, rows, message);
    if (!error)
        drop_unused_other(rows);
    return error;
}

static int by_live(const void *a, const void *b)
{
    const struct tm_tag_reading *left = a, *right = b;
    uint64_t left_live = tm_live_bytes(&left->totals), right_live = tm_live_bytes(&right->totals);
    if (left_live != right_live)
        return left_live < right_live ? 1 : -1;
    return (left->tag > right->tag) - (left->tag < right->tag);
}

void tm__sort_tags(struct tm__rows *rows)
{
    if (rows->tag_count > 0)
        qsort(rows->tags, rows->tag_count, sizeof *rows->tags, by_live);
}
