/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each row is read three times: `life` is taken from the first and the last, frees from the second, allocations from the
 * last. So frees are never later than the allocations that they follow, and nothing live is negative; where the frees
 * of the last two are the same all is of one moment; and where `life` is, it is of one generation. Otherwise the row is
 * read again. That is what src/totals.c does with memory of its own.
 */
#include "rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 512 /* rows */, CHANCES = 64 };

struct chunk {
    struct tm__slot first[CHUNK], second[CHUNK], last[CHUNK];
};

bool tm__grow(void *array, size_t *capacity, size_t count, size_t size)
{
    void **memory = array;
    if (count < *capacity)
        return true;
    size_t more = *capacity ? *capacity * 2 : 64;
    void *grown = reallocarray(*memory, more, size);
    if (!grown)
        return false;
    *memory = grown;
    *capacity = more;
    return true;
}

void tm__free_rows(struct tm__rows *rows)
{
    free(rows->slots);
    free(rows->homes);
    free(rows->tags);
    free(rows->flows);
}

static int no_memory(char message[TM_READER_MESSAGE])
{
    tm__say(message, "out of memory");
    return -ENOMEM;
}

static int cut_off(const struct tm__source *source, char message[TM_READER_MESSAGE])
{
    tm__say(message, "%s was cut off while it was read", source->path);
    return -EINVAL;
}

static void read_frees(const struct tm__slot *slot, struct tm_totals *sum)
{
    sum->freed_by_others_bytes = sum->freed_by_others_blocks = 0;
    for (int i = 0; i < TM__LANES; i++) {
        sum->freed_by_others_bytes += slot->others[i].freed_bytes + slot->others[i].shared_bytes;
        sum->freed_by_others_blocks += slot->others[i].freed_blocks + slot->others[i].shared_blocks;
    }
    sum->freed_bytes = sum->freed_by_others_bytes + slot->owner.freed_bytes;
    sum->freed_blocks = sum->freed_by_others_blocks + slot->owner.freed_blocks;
}

/* A slot over all its generations, and what the earlier ones had. */
struct row {
    struct tm__slot slot; /* as read last */
    struct tm_totals all, before;
    uint64_t before_peak;
};

/* Whether the three are of one generation, and one moment; `row` in any case. */
static bool combine(const struct tm__slot *first, const struct tm__slot *second, const struct tm__slot *last,
                    struct row *row)
{
    struct tm_totals again;
    row->slot = *last;
    read_frees(second, &row->all);
    read_frees(last, &again);
    row->all.allocated_bytes = last->owner.allocated_bytes;
    row->all.allocated_blocks = last->owner.allocated_blocks;
    row->all.freed_of_others_bytes = last->consumed.bytes;
    row->all.peak_bytes = last->record.peak_bytes;
    row->before = (struct tm_totals){.allocated_bytes = last->record.before_bytes,
                                     .allocated_blocks = last->record.before_blocks,
                                     .freed_bytes = last->record.before_bytes,
                                     .freed_blocks = last->record.before_blocks,
                                     .freed_by_others_bytes = last->record.before_others_bytes,
                                     .freed_by_others_blocks = last->record.before_others_blocks,
                                     .freed_of_others_bytes = last->consumed.before_bytes};
    row->before_peak = last->record.before_peak_bytes;
    return first->record.life == last->record.life && again.freed_bytes == row->all.freed_bytes &&
           again.freed_blocks == row->all.freed_blocks;
}

/* What holds of every row of an honest file. The sums of two such do not overflow. */
static bool adds_up(const struct tm_totals *all, const struct tm_totals *before)
{
    const uint64_t most = UINT64_C(1) << 62;
    return all->allocated_bytes <= most && all->allocated_blocks <= most && all->freed_bytes <= all->allocated_bytes &&
           all->freed_blocks <= all->allocated_blocks && all->freed_by_others_bytes <= all->freed_bytes &&
           all->freed_by_others_blocks <= all->freed_blocks && all->freed_of_others_bytes <= most &&
           all->peak_bytes <= most && before->freed_bytes <= all->freed_bytes &&
           before->freed_blocks <= all->freed_blocks && before->freed_by_others_bytes <= all->freed_by_others_bytes &&
           before->freed_by_others_blocks <= all->freed_by_others_blocks &&
           before->freed_of_others_bytes <= all->freed_of_others_bytes;
}

/* Reads it alone, until it stays as it is for long enough. */
static int read_again(const struct tm__source *source, uint32_t number, struct row *row,
                      char message[TM_READER_MESSAGE])
{
    struct tm__slot first, second, last;
    uint64_t offset = source->places.slots_offset + (uint64_t)number * sizeof first;
    for (int i = 0; i < CHANCES; i++) {
        if (!tm__read_source(source, &first, sizeof first, offset) ||
            !tm__read_source(source, &second, sizeof second, offset) ||
            !tm__read_source(source, &last, sizeof last, offset))
            return cut_off(source, message);
        bool good = combine(&first, &second, &last, row);
        /* A thread that frees all the time leaves what is live too high by what it freed just now. */
        if (good || (i >= CHANCES / 4 && first.record.life == last.record.life))
            break;
    }
    if (adds_up(&row->all, &row->before))
        return 0;
    tm__say(message, "%s is damaged: slot %u does not add up", source->path, (unsigned)number);
    return -EINVAL;
}

static enum tm_slot_state state_of(uint32_t number, uint64_t life)
{
    if (number < TM__SHARED_SLOTS)
        return number == TM__LATE_SLOT ? TM_LATE : TM_OVERFLOW;
    return (life & 0xff) == TM__OWNED ? TM_LIVE : TM_ORPHAN;
}

static void describe(uint32_t number, const struct row *row, struct tm_slot *slot)
{
    const struct tm__record *record = &row->slot.record;
    bool shared = number < TM__SHARED_SLOTS;
    *slot = (struct tm_slot){.slot = number, .state = state_of(number, record->life), .totals = row->all};
    if (!shared) {
        tm__subtract_totals(&slot->totals, &row->before);
        slot->generation = (uint32_t)(record->life >> 8);
        slot->thread = record->thread;
        slot->tag = (int32_t)(record->tag & INT32_MAX);
        slot->tid = record->tid;
        uint64_t words[2] = {record->name[0], record->name[1]};
        memcpy(slot->name, words, sizeof slot->name);
        slot->name[sizeof slot->name - 1] = '\0';
    }
    /* What is live may be too high, the peak is not. */
    if (slot->totals.peak_bytes < tm_live_bytes(&slot->totals))
        slot->totals.peak_bytes = tm_live_bytes(&slot->totals);
    slot->thread_peak_bytes = record->thread_peak_bytes; /* 0: see give_peaks() */
}

static int add_row(struct tm__rows *rows, uint32_t number, const struct row *row, const char *path,
                   char message[TM_READER_MESSAGE])
{
    uint64_t peak = row->all.peak_bytes > row->before_peak ? row->all.peak_bytes : row->before_peak;
    tm__add_totals(&rows->process, &row->all);
    rows->process.peak_bytes += peak;
    const uint64_t most = UINT64_C(1) << 63; /* neither this nor the next sum overflows */
    if (rows->process.allocated_bytes > most || rows->process.allocated_blocks > most ||
        rows->process.freed_of_others_bytes > most || rows->process.peak_bytes > most) {
        tm__say(message, "%s is damaged: its slots are too large together", path);
        return -EINVAL;
    }
    if (number >= TM__SHARED_SLOTS && (row->slot.record.life & 0xff) == TM__FREE)
        return 0;
    size_t homes_capacity = rows->slot_capacity;
    if (!tm__grow(&rows->homes, &homes_capacity, rows->slot_count, sizeof *rows->homes) ||
        !tm__grow(&rows->slots, &rows->slot_capacity, rows->slot_count, sizeof *rows->slots))
        return no_memory(message);
    rows->homes[rows->slot_count] = row->slot.home;
    describe(number, row, &rows->slots[rows->slot_count++]);
    return 0;
}

static const struct tm_slot *find_slot(const struct tm__rows *rows, uint32_t number)
{
    size_t from = 0, to = rows->slot_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (rows->slots[middle].slot == number)
            return &rows->slots[middle];
        if (rows->slots[middle].slot < number)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

/* As tm__thread_peak() does: a thread's peak is with its first slot while it lives; one with no other has none. */
static void give_peaks(struct tm__rows *rows)
{
    for (size_t i = 0; i < rows->slot_count; i++) {
        struct tm_slot *slot = &rows->slots[i];
        const struct tm_slot *home = find_slot(rows, rows->homes[i]);
        if (slot->thread_peak_bytes == 0 && home && home->thread == slot->thread)
            slot->thread_peak_bytes = home->thread_peak_bytes;
        if (slot->thread_peak_bytes < slot->totals.peak_bytes)
            slot->thread_peak_bytes = slot->totals.peak_bytes;
    }
}

static int read_chunk(const struct tm__source *source, struct tm__rows *rows, struct chunk *chunk, uint32_t from,
                      uint32_t count, char message[TM_READER_MESSAGE])
{
    size_t size = count * sizeof chunk->first[0];
    uint64_t offset = source->places.slots_offset + (uint64_t)from * sizeof chunk->first[0];
    if (!tm__read_source(source, chunk->first, size, offset) || !tm__read_source(source, chunk->second, size, offset) ||
        !tm__read_source(source, chunk->last, size, offset))
        return cut_off(source, message);
    for (uint32_t i = 0; i < count; i++) {
        struct row row;
        int error = 0;
        if (!combine(&chunk->first[i], &chunk->second[i], &chunk->last[i], &row) || !adds_up(&row.all, &row.before))
            error = read_again(source, from + i, &row, message);
        if (!error)
            error = add_row(rows, from + i, &row, source->path, message);
        if (error)
            return error;
    }
    return 0;
}

static int read_slots(const struct tm__source *source, uint32_t used, struct tm__rows *rows,
                      char message[TM_READER_MESSAGE])
{
    struct chunk *chunk = malloc(sizeof *chunk);
    int error = chunk ? 0 : no_memory(message);
    rows->slot_count = 0;
    rows->process = (struct tm_totals){0};
    for (uint32_t from = 0; !error && from < used; from += CHUNK)
        error = read_chunk(source, rows, chunk, from, used - from < CHUNK ? used - from : CHUNK, message);
    free(chunk);
    if (!error)
        give_peaks(rows);
    return error;
}

/* ---- tags ---- */

static int add_tag(struct tm__rows *rows, uint32_t place, const struct tm__tag *tag, const struct tm__source *source,
                   char message[TM_READER_MESSAGE])
{
    bool used = tag->state == TM__TAG_OPEN || tag->state == TM__TAG_ENDED;
    if (!used || tag->number <= 0 || (uint32_t)tag->number % TM__TAG_PLACES != place)
        return 0;
    if (!tm__grow(&rows->tags, &rows->tag_capacity, rows->tag_count, sizeof *rows->tags))
        return no_memory(message);
    struct tm_tag_reading *reading = &rows->tags[rows->tag_count++];
    *reading = (struct tm_tag_reading){.tag = tag->number,
                                       .open = tag->state == TM__TAG_OPEN,
                                       .limit_bytes = tag->limit,
                                       .totals = {.allocated_bytes = tag->gone.allocated_bytes,
                                                  .allocated_blocks = tag->gone.allocated_blocks,
                                                  .freed_bytes = tag->gone.allocated_bytes,
                                                  .freed_blocks = tag->gone.allocated_blocks,
                                                  .freed_by_others_bytes = tag->gone.others_bytes,
                                                  .freed_by_others_blocks = tag->gone.others_blocks,
                                                  .freed_of_others_bytes = tag->gone.of_others_bytes,
                                                  .peak_bytes = tag->gone.peak_bytes}};
    memcpy(reading->name, tag->name.text, TM__TAG_NAME);
    reading->name[TM__TAG_NAME - 1] = '\0';
    if (adds_up(&reading->totals, &(struct tm_totals){0}))
        return 0;
    tm__say(message, "%s is damaged: tag %d does not add up", source->path, (int)tag->number);
    return -EINVAL;
}

static struct tm_tag_reading *find_tag(const struct tm__rows *rows, int32_t number)
{
    for (size_t i = 0; i < rows->tag_count; i++)
        if (rows->tags[i].tag == number)
            return &rows->tags[i];
    return NULL;
}

/* TM_TAG_OTHER is open from the start; it is of interest once something was charged to it. */
static void drop_unused_other(struct tm__rows *rows)
{
    enum { OTHER = 1 };
    if (rows->tag_count > 0 && rows->tags[0].tag == OTHER && rows->tags[0].totals.allocated_blocks == 0)
        memmove(rows->tags, rows->tags + 1, --rows->tag_count * sizeof *rows->tags);
}

static void add_slots_to_tags(struct tm__rows *rows)
{
    struct tm_tag_reading *tag = NULL;
    for (size_t i = 0; i < rows->slot_count; i++) {
        const struct tm_slot *slot = &rows->slots[i];
        if (slot->tag == 0)
            continue;
        if (!tag || tag->tag != slot->tag)
            tag = find_tag(rows, slot->tag);
        if (!tag)
            continue;
        tm__add_totals(&tag->totals, &slot->totals);
        tag->totals.peak_bytes += slot->totals.peak_bytes;
    }
}

static struct tm__tag *read_tags(const struct tm__source *source, uint32_t count)
{
    struct tm__tag *tags = malloc((count ? count : 1) * sizeof *tags);
    if (tags && !tm__read_source(source, tags, count * sizeof *tags, source->places.tags_offset)) {
        free(tags);
        errno = EINVAL;
        return NULL;
    }
    return tags;
}

/* Whether no tag lost a slot between the two: then each slot is counted once, with its tag's rest or by itself. */
static bool are_same(const struct tm__tag *before, const struct tm__tag *behind, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (before[i].changes != behind[i].changes || before[i].changes % 2 != 0 ||
            before[i].number != behind[i].number || before[i].state != behind[i].state)
            return false;
    return true;
}

static int collect_tags(const struct tm__source *source, struct tm__rows *rows, const struct tm__tag *tags,
                        uint32_t count, char message[TM_READER_MESSAGE])
{
    int error = 0;
    rows->tag_count = 0;
    for (uint32_t place = 1; !error && place < count; place++)
        error = add_tag(rows, place, &tags[place], source, message);
    if (error)
        return error;
    add_slots_to_tags(rows);
    drop_unused_other(rows);
    return 0;
}

/* Slots between two readings of the tags. */
static int read_once(const struct tm__source *source, const struct tm__head *head, struct tm__rows *rows, bool *same,
                     char message[TM_READER_MESSAGE])
{
    uint32_t count = head->tags_used;
    struct tm__tag *before = read_tags(source, count), *behind = NULL;
    int error = before            ? read_slots(source, head->slots_used, rows, message)
                : errno == EINVAL ? cut_off(source, message)
                                  : no_memory(message);
    if (!error && !(behind = read_tags(source, count)))
        error = errno == EINVAL ? cut_off(source, message) : no_memory(message);
    if (!error) {
        *same = are_same(before, behind, count);
        error = collect_tags(source, rows, behind, count, message);
    }
    free(before);
    free(behind);
    return error;
}

static int by_live_of_tag(const void *a, const void *b)
{
    const struct tm_tag_reading *left = a, *right = b;
    uint64_t left_live = tm_live_bytes(&left->totals), right_live = tm_live_bytes(&right->totals);
    if (left_live != right_live)
        return left_live < right_live ? 1 : -1;
    return (left->tag > right->tag) - (left->tag < right->tag);
}

int tm__read_rows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE])
{
    struct tm__head head;
    bool same = false;
    for (int i = 0; i < 4 && !same; i++) {
        if (!tm__read_used(source, &head)) {
            tm__say(message, "%s is damaged: it says that more rows are used than there are", source->path);
            return -EINVAL;
        }
        int error = read_once(source, &head, rows, &same, message);
        if (error)
            return error;
    }
    if (rows->tag_count > 0)
        qsort(rows->tags, rows->tag_count, sizeof *rows->tags, by_live_of_tag);
    rows->crossings = (struct tm_crossings){.foreign_frees = head.foreign_frees,
                                            .foreign_reallocs = head.foreign_reallocs,
                                            .caught_frees = head.caught_frees,
                                            .caught_reallocs = head.caught_reallocs,
                                            .misuses_told = head.misuses_told};
    rows->flow_on = head.flow_is_on != 0;
    rows->flow_count = 0;
    return rows->flow_on ? tm__read_flows(source, rows, message) : 0;
}
