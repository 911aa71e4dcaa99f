/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Repeats one operation, for bench/count to count its instructions: count OPERATION TIMES. The work before the
 * operations is the same for any number of them.
 */
#include "count_pairs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threadmeter/limits.h>
#include <threadmeter/malloc.h>
#include <threadmeter/tags.h>
#include <threadmeter/totals.h>

enum { MOST = 200000 };

static size_t times;
static void *blocks[MOST];

static void pairs(void)
{
    count_pairs(times);
}

static void larger_pairs(void)
{
    count_larger_pairs(times);
}

static void threads_pairs(void)
{
    count_threads_pairs(times);
}

static void handed(void)
{
    count_handed_pairs(times);
}

static void in_tag(void)
{
    tm_tag_enter(tm_tag_open("tag"));
    tm_free(tm_malloc(10000)); /* so that nothing that follows is a new peak */
    pairs();
}

static void limited_thread(void)
{
    tm_thread_limit(1 << 20);
    tm_free(tm_malloc(10000));
    pairs();
}

static void limited_tag(void)
{
    tm_tag_limit(tm_tag_open("tag"), 1 << 20);
    in_tag();
}

/* So near that there is no lease. */
static void near_limit(void)
{
    tm_tag tag = tm_tag_open("tag");
    tm_tag_limit(tag, 10100);
    tm_tag_enter(tag);
    void *kept = tm_malloc(10000);
    pairs();
    tm_free(kept);
}

static void enter(void)
{
    tm_tag tag = tm_tag_open("tag");
    for (size_t i = 0; i < times; i++)
        tm_tag_leave(tm_tag_enter(tag));
}

/* Opening takes longer the more tags there are, so all are opened before, whatever the number of those entered. */
static void first_entries(void)
{
    static tm_tag tags[TM_TAGS_MAX];
    char name[TM_TAG_NAME_MAX + 1];
    for (int i = 0; i < TM_TAGS_MAX; i++) {
        snprintf(name, sizeof name, "tag %d", i);
        tags[i] = tm_tag_open(name);
    }
    for (size_t i = 0; i < times && i < TM_TAGS_MAX; i++)
        tm_tag_enter(tags[i]);
}

/* As a translation unit that is built with -DTM_TAG does. */
static void unit(void)
{
    tm_tag tag = tm_tag_open("tag");
    for (size_t i = 0; i < times; i++) {
        tm_tag previous = tm_tag_enter(tag);
        void *volatile block = tm_malloc(64);
        tm_tag_leave(previous);
        tm_free(block);
    }
}

static void claim(void)
{
    void *block = tm_malloc(64);
    tm_tag tags[2] = {tm_tag_open("one"), tm_tag_open("two")};
    for (size_t i = 0; i < times; i++) {
        tm_tag_enter(tags[i % 2]);
        tm_claim(block);
    }
    tm_free(block);
}

/* Each malloc makes a new peak. */
static void grow(void)
{
    for (size_t i = 0; i < times; i++)
        blocks[i] = tm_malloc(64);
}

static void own_in_tags(unsigned tags)
{
    char name[16];
    for (unsigned i = 0; i < tags; i++) {
        snprintf(name, sizeof name, "tag %u", i);
        tm_tag_enter(tm_tag_open(name));
        blocks[MOST - tags + i] = tm_malloc(1);
    }
}

static void grow_in_tag(void)
{
    own_in_tags(1);
    grow();
}

static void grow_in_tags(void)
{
    own_in_tags(1000);
    grow();
}

static void *free_all(void *unused)
{
    for (size_t i = 0; i < times; i++)
        tm_free(blocks[i]);
    return unused;
}

static void hand_over(void)
{
    pthread_t consumer;
    grow();
    if (pthread_create(&consumer, NULL, free_all, NULL) == 0)
        pthread_join(consumer, NULL);
}

static void hand_over_in_tag(void)
{
    own_in_tags(1);
    hand_over();
}

static void ask(void)
{
    struct tm_totals totals;
    for (size_t i = 0; i < times; i++)
        tm_thread_totals(&totals);
}

static const struct {
    const char *name;
    void (*run)(void);
} operations[] = {
    {"pairs", pairs},
    {"larger_pairs", larger_pairs},
    {"threads", threads_pairs},
    {"handed", handed},
    {"in_tag", in_tag},
    {"limited_thread", limited_thread},
    {"limited_tag", limited_tag},
    {"near_limit", near_limit},
    {"enter", enter},
    {"first_entries", first_entries},
    {"unit", unit},
    {"claim", claim},
    {"grow", grow},
    {"grow_in_tag", grow_in_tag},
    {"grow_in_tags", grow_in_tags},
    {"hand_over", hand_over},
    {"hand_over_in_tag", hand_over_in_tag},
    {"ask", ask},
};

int main(int argc, char *argv[])
{
    times = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    for (size_t i = 0; argc == 3 && times <= MOST && i < sizeof operations / sizeof operations[0]; i++) {
        if (strcmp(operations[i].name, argv[1]) == 0) {
            tm_free(tm_malloc(1));
            operations[i].run();
            return 0;
        }
    }
    fprintf(stderr, "usage: count OPERATION TIMES, of %d at most\n", MOST);
    return 2;
}
