/* SPDX-License-Identifier: BSD-3-Clause */
/* threadmeter/tags.h: to open, close and enter tags, and their limits. Totals by tag are in tag_totals.c. */
#define _GNU_SOURCE
#include "threadmeter/tags.h"
#include "meter/tag_limits.h"
#include "state/open.h"
#include "state/tag_table.h"
#include "threadmeter/limits.h"

#include <errno.h>
#include <string.h>

/* TM_TAG_OTHER exists from the start, so a caller may name it before the region is open; any other tag was opened. */
static struct tm__tag *find(tm_tag number)
{
    if (number == TM_TAG_OTHER)
        tm__open_region();
    return tm__find_tag(number);
}

static bool is_name(const char *name)
{
    if (!name || !*name)
        return false;
    for (size_t i = 0; name[i]; i++)
        if (i == TM_TAG_NAME_MAX || (unsigned char)name[i] < 32)
            return false;
    return true;
}

tm_tag tm_tag_open(const char *name)
{
    if (!is_name(name))
        return -EINVAL;
    tm__open_region();
    enum tm__access access = tm__access_tags();
    if (access == TM__DENIED)
        return -EDEADLK;
    uint32_t place = tm__tag_place_for(name);
    if (tm__tag_state_of(tm__tag_at(place)) == TM__TAG_UNUSED)
        tm__start_tag(place, name);
    if (place != TM_TAG_OTHER)
        tm__tag_uses[place].openings++;
    tm_tag number = atomic_load_explicit(&tm__tag_at(place)->number, memory_order_relaxed);
    tm__end_tags(access);
    return number;
}

int tm_tag_close(tm_tag number)
{
    if (number == TM_TAG_OTHER)
        return 0;
    enum tm__access access = tm__access_tags();
    if (access == TM__DENIED)
        return -EDEADLK;
    struct tm__tag *tag = find(number);
    struct tm__tag_use *use = tm__tag_use_of(number);
    bool open = tag && tm__tag_state_of(tag) == TM__TAG_OPEN;
    if (open && --use->openings == 0) {
        atomic_store_explicit(&tag->state, TM__TAG_ENDED, memory_order_release);
        atomic_fetch_add_explicit(&tm__tags_ended, 1, memory_order_release);
        tm__free_tag_if_empty(tag, use);
    }
    tm__end_tags(access);
    return open ? 0 : -EINVAL;
}

/* Gets access to an open tag. Returns 0, or an error: then there is no access to end. */
static int begin_open(tm_tag number, enum tm__access *access, struct tm__tag **tag)
{
    *access = tm__access_tags();
    if (*access == TM__DENIED)
        return -EDEADLK;
    *tag = find(number);
    if (*tag && tm__tag_state_of(*tag) == TM__TAG_OPEN)
        return 0;
    tm__end_tags(*access);
    return -EINVAL;
}

int tm_tag_limit(tm_tag number, uint64_t bytes)
{
    enum tm__access access;
    struct tm__tag *tag;
    int error = begin_open(number, &access, &tag);
    if (error)
        return error;
    tm__store(&tag->limit, bytes);
    tm__bound_tag(tag, tm__tag_use_of(number));
    tm__end_tags(access);
    return 0;
}

int tm_tag_soft_limit(tm_tag number, uint64_t bytes, tm_limit_callback *callback, void *arg)
{
    enum tm__access access;
    struct tm__tag *tag;
    int error = begin_open(number, &access, &tag);
    if (error)
        return error;
    struct tm__tag_use *use = tm__tag_use_of(number);
    use->soft = (struct tm__soft){.bytes = callback ? bytes : 0, .call = callback, .arg = arg};
    tm__bound_tag(tag, use);
    tm__end_tags(access);
    return 0;
}

int tm_tag_name(tm_tag number, char name[TM_TAG_NAME_MAX + 1])
{
    const struct tm__tag *tag = find(number);
    name[0] = '\0';
    if (!tag)
        return -EINVAL;
    uint64_t words[TM__TAG_NAME_WORDS];
    for (int i = 0; i < TM__TAG_NAME_WORDS; i++)
        words[i] = atomic_load_explicit(&tag->name.words[i], memory_order_acquire); /* before the second find() */
    memcpy(name, words, sizeof words);
    return find(number) ? 0 : -EINVAL;
}
