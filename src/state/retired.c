/* SPDX-License-Identifier: BSD-3-Clause */
#include "state/retired.h"
#include "state/names.h"
#include "state/pages.h"
#include "state/settled.h"
#include "state/tag_table.h"

enum { OTHERS, NAME_WORDS = TM__NAME / sizeof(uint64_t) };

struct key {
    uint64_t name[NAME_WORDS], tag[TM__TAG_NAME_WORDS];
};

/* Relaxed, here and below: all is stored with the tags' lock held, and names do not change once they are counted. */
static struct key key_of(const struct tm__slot *slot, const struct tm__tag *tag)
{
    struct key key = {0};
    for (int i = 0; i < NAME_WORDS; i++)
        key.name[i] = tm__load(&slot->identity.name[i]);
    for (int i = 0; tag && i < TM__TAG_NAME_WORDS; i++)
        key.tag[i] = tm__load(&tag->name.words[i]);
    return key;
}

static bool has_key(const struct tm__retired *row, const struct key *key)
{
    uint64_t difference = 0;
    for (int i = 0; i < NAME_WORDS; i++)
        difference |= tm__load(&row->name[i]) ^ key->name[i];
    for (int i = 0; i < TM__TAG_NAME_WORDS; i++)
        difference |= tm__load(&row->tag.words[i]) ^ key->tag[i];
    return difference == 0;
}

/* The new row is read only when `retired_used` counts it. */
static struct tm__retired *add_row(struct tm__region *region, uint32_t used, const struct key *key)
{
    struct tm__retired *row = &region->retired[used];
    if (used == TM__RETIRED_PLACES || !tm__make_writable(row, sizeof *row))
        return &region->retired[OTHERS];
    for (int i = 0; i < NAME_WORDS; i++)
        tm__store(&row->name[i], key->name[i]);
    for (int i = 0; i < TM__TAG_NAME_WORDS; i++)
        tm__store(&row->tag.words[i], key->tag[i]);
    atomic_store_explicit(&region->head.retired_used, used + 1, memory_order_release);
    return row;
}

/*
 * A search of all rows takes some microseconds, less than a thread's begin and end. Where threads of one name come and
 * go it begins at their row.
 */
static struct tm__retired *row_for(const struct key *key)
{
    static uint32_t last; /* protected by the lock */
    struct tm__region *region = tm__region_now();
    uint32_t used = tm__retired_used();
    for (uint32_t i = 1, place = last; i < used; i++, place++) {
        if (place == 0 || place >= used)
            place = 1;
        if (has_key(&region->retired[place], key)) {
            last = place;
            return &region->retired[place];
        }
    }
    return add_row(region, used, key);
}

static void raise_to(_Atomic uint64_t *peak, uint64_t bytes)
{
    if (bytes > tm__load(peak))
        tm__store(peak, bytes);
}

/*
 * The fence: a reader that finds any of this in the row finds, afterwards, the slot free, or in a later generation.
 */
void tm__record_retired(const struct tm__slot *slot, const struct tm__tag *tag, const struct tm_totals *counted)
{
    struct key key = key_of(slot, tag);
    struct tm__retired *row = row_for(&key);
    atomic_thread_fence(memory_order_release);
    raise_to(&row->peak_bytes, counted->peak_bytes);
    raise_to(&row->thread_peak_bytes, tm__load(&slot->identity.thread_peak_bytes));
    tm__store(&row->accounts, tm__load(&row->accounts) + 1);
    tm__add_settled(&row->counted, counted);
}

bool tm__is_same_retired_name(uint32_t place, uint32_t other)
{
    const struct tm__retired *rows = tm__region_now()->retired;
    bool same = (place == OTHERS) == (other == OTHERS);
    for (int i = 0; i < NAME_WORDS; i++)
        same &= place == OTHERS || tm__load(&rows[place].name[i]) == tm__load(&rows[other].name[i]);
    return same;
}
