/* SPDX-License-Identifier: BSD-3-Clause */
/* tags.c: names and numbers of tags, how they are entered and left, and their end. */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <threadmeter/limits.h>

START_TEST(names_are_interned)
{
    tm_tag first = tm_tag_open("cache");
    ck_assert_int_eq(tm_tag_open("cache"), first);
    ck_assert_int_ne(tm_tag_open("Cache"), first);
    char name[TM_TAG_NAME_MAX + 1];
    ck_assert_int_eq(tm_tag_name(first, name), 0);
    ck_assert_str_eq(name, "cache");
    ck_assert_int_eq(tm_tag_close(first), 0); /* it was opened twice */
    ck_assert_int_eq(tm_tag_enter(first), 0);
    tm_tag_leave(0);
    ck_assert_int_eq(tm_tag_close(first), 0);
    ck_assert_int_eq(tm_tag_close(first), -EINVAL);
}
END_TEST

START_TEST(names_that_are_none)
{
    static const char *const names[] = {NULL, "", "12345678901234567890123456789012", "two\nlines", "\t"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_int_eq(tm_tag_open(names[i]), -EINVAL);
    ck_assert_int_gt(tm_tag_open("1234567890123456789012345678901"), 0);
    ck_assert_int_gt(tm_tag_open("größer als"), 0);
}
END_TEST

START_TEST(what_is_no_tag_changes_nothing)
{
    tm_tag open = tm_tag_open("open"), closed = tm_tag_open("closed");
    ck_assert_int_eq(tm_tag_close(closed), 0);
    const tm_tag wrong[] = {-1, -EINVAL, INT32_MIN, INT32_MAX, closed, open + 4096, 7};
    tm_tag_enter(open);
    errno = 99;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct tm_totals totals;
        char name[TM_TAG_NAME_MAX + 1];
        ck_assert_int_eq(tm_tag_enter(wrong[i]), -EINVAL);
        ck_assert_int_eq(tm_tag_current(), open);
        tm_tag_leave(-EINVAL);
        ck_assert_int_eq(tm_tag_current(), open);
        ck_assert_int_eq(tm_tag_close(wrong[i]), -EINVAL);
        ck_assert_int_eq(tm_tag_totals(wrong[i], &totals), -EINVAL);
        ck_assert_int_eq(tm_tag_name(wrong[i], name), -EINVAL);
        ck_assert_str_eq(name, "");
    }
    ck_assert_int_eq(errno, 99);
    char *block = tm_malloc(5);
    expect_tag(open, 5, 1);
    tm_free(block);
}
END_TEST

START_TEST(unbalanced_leaves_end_in_no_tag)
{
    tm_tag outer = tm_tag_open("outer"), inner = tm_tag_open("inner");
    tm_tag_leave(0);
    ck_assert_int_eq(tm_tag_current(), 0);
    tm_tag before_outer = tm_tag_enter(outer), before_inner = tm_tag_enter(inner);
    tm_tag_leave(before_outer); /* the inner one forgotten */
    ck_assert_int_eq(tm_tag_current(), 0);
    tm_tag_leave(before_inner);
    ck_assert_int_eq(tm_tag_current(), outer);
    ck_assert_int_eq(tm_tag_close(inner), 0);
    tm_tag_leave(inner); /* it has ended since */
    ck_assert_int_eq(tm_tag_current(), 0);
}
END_TEST

START_TEST(a_scope_leaves_by_itself)
{
    tm_tag outer = tm_tag_open("outer"), inner = tm_tag_open("inner");
    for (int i = 0; i < 3; i++) {
        TM_TAG_SCOPE(outer);
        ck_assert_int_eq(tm_tag_current(), outer);
        {
            TM_TAG_SCOPE(inner);
            ck_assert_int_eq(tm_tag_current(), inner);
            if (i == 1)
                continue;
        }
        ck_assert_int_eq(tm_tag_current(), outer);
    }
    ck_assert_int_eq(tm_tag_current(), 0);
}
END_TEST

static void *leave_a_block_in(void *arg)
{
    tm_tag_enter(*(tm_tag *)arg);
    return tm_malloc(77);
}

static void *free_in(void *arg)
{
    tm_tag_enter(*(tm_tag *)arg);
    tm_free(tm_malloc(100));
    return NULL;
}

START_TEST(a_tag_outlives_its_threads_and_its_end)
{
    tm_tag request = tm_tag_open("request");
    pthread_t thread;
    void *block;
    pthread_create(&thread, NULL, leave_a_block_in, &request);
    pthread_join(thread, &block);
    expect_tag(request, 77, 1);
    ck_assert_int_eq(tm_tag_close(request), 0);
    expect_tag(request, 77, 1);
    ck_assert_int_ne(tm_tag_open("request"), request); /* another one */
    tm_free(block);
    struct tm_totals totals;
    ck_assert_int_eq(tm_tag_totals(request, &totals), -EINVAL);
}
END_TEST

/* Like a server that has a tag for each request: neither tags nor slots run out. */
static void *come_and_go_in(void *arg)
{
    for (int i = 0; i < 20; i++)
        in_thread(free_in, arg);
    return NULL;
}

/* What exited threads charged to a tag is kept in their slots, or else in the tag. */
START_TEST(what_a_tag_was_charged_never_shrinks)
{
    tm_tag tag = tm_tag_open("tag");
    struct tm_totals before = tag_totals(tag);
    for (int i = 0; i < (ON_TCMALLOC && !SANITIZED ? 1500 : 5); i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, come_and_go_in, &tag), 0);
        while (pthread_tryjoin_np(thread, NULL) != 0) {
            struct tm_totals now = tag_totals(tag);
            ck_assert_uint_ge(now.allocated_blocks, before.allocated_blocks);
            ck_assert_uint_ge(now.allocated_bytes, before.allocated_bytes);
            ck_assert_uint_ge(now.freed_bytes, before.freed_bytes);
            before = now;
        }
    }
    tm_tag_close(tag);
}
END_TEST

START_TEST(tags_come_and_go)
{
    void *kept[8] = {0};
    tm_tag tag_of[8] = {0};
    uint64_t allocated = 0;
    for (unsigned i = 0; i < 20000; i++) {
        tm_tag tag = tm_tag_open("request");
        ck_assert_int_gt(tag, TM_TAG_OTHER);
        tm_tag previous = tm_tag_enter(tag);
        ck_assert_int_eq(tm_tag_close(tag), 0);
        tm_free(kept[i % 8]); /* of an earlier request, which ends by that */
        kept[i % 8] = tm_malloc(i % 100 + 1);
        allocated += i % 100 + 1;
        tag_of[i % 8] = tag;
        expect_tag(tag, i % 100 + 1, 1);
        tm_tag_leave(previous);
    }
    for (int i = 0; i < 8; i++) {
        struct tm_totals totals;
        ck_assert_int_eq(tm_tag_totals(tag_of[i], &totals), 0);
        tm_free(kept[i]);
    }
    ck_assert_uint_eq(thread_totals().allocated_bytes, allocated);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 0, 0);
    ck_assert_uint_le(count_slots(TM_LIVE), 10);
}
END_TEST

static void expect_new(tm_tag tag)
{
    static const struct tm_totals nothing;
    struct tm_totals totals = tag_totals(tag);
    ck_assert_int_eq(memcmp(&totals, &nothing, sizeof totals), 0);
}

/* Another tag takes the place of one that ended: it inherits nothing, and the old number names no tag. */
START_TEST(an_ended_tags_number_is_no_tag)
{
    tm_tag old = tm_tag_open("old");
    tm_tag_enter(old);
    tm_tag_limit(old, 100);
    void *given = tm_malloc(100);
    in_thread(free_it, given);
    ck_assert_int_eq(tm_tag_close(old), 0);
    tm_tag_enter(0);
    tm_tag_leave(tm_tag_enter(TM_TAG_OTHER)); /* the thread has left it */
    tm_tag new = tm_tag_open("new");
    struct tm_totals totals;
    char name[TM_TAG_NAME_MAX + 1];
    expect_new(new);
    ck_assert_int_ne(new, old);
    ck_assert_int_eq(tm_tag_enter(old), -EINVAL);
    ck_assert_int_eq(tm_tag_close(old), -EINVAL);
    ck_assert_int_eq(tm_tag_limit(old, 1), -EINVAL);
    ck_assert_int_eq(tm_tag_totals(old, &totals), -EINVAL);
    ck_assert_int_eq(tm_tag_name(old, name), -EINVAL);
    ck_assert_int_eq(tm_tag_name(new, name), 0);
    ck_assert_str_eq(name, "new");
    tm_tag_enter(new);
    void *block = tm_malloc(1000); /* the old one's limit is gone, too */
    expect_tag(new, 1000, 1);
    tm_free(block);
}
END_TEST

/* As the header says, though it is always the same place in the table. */
START_TEST(a_number_comes_again_after_500000_others)
{
    tm_tag first = tm_tag_open("first"), next = 0;
    ck_assert_int_eq(tm_tag_close(first), 0);
    int others = 0;
    for (; next != first && others < 600000; others++) {
        next = tm_tag_open("next");
        if (next <= TM_TAG_OTHER || tm_tag_close(next) != 0)
            break;
    }
    ck_assert_int_gt(next, TM_TAG_OTHER);
    ck_assert_int_ge(others, 500000);
}
END_TEST

START_TEST(too_many_are_other)
{
    char name[16];
    static tm_tag tags[TM_TAGS_MAX];
    for (int i = 0; i < TM_TAGS_MAX; i++) {
        snprintf(name, sizeof name, "tag %d", i);
        tags[i] = tm_tag_open(name);
        ck_assert_int_gt(tags[i], TM_TAG_OTHER);
    }
    ck_assert_int_eq(tm_tag_open("one more"), TM_TAG_OTHER);
    ck_assert_int_eq(tm_tag_open("tag 17"), tags[17]);
    tm_tag_enter(TM_TAG_OTHER);
    void *block = tm_malloc(3);
    tm_tag_leave(0);
    expect_tag(TM_TAG_OTHER, 3, 1);
    ck_assert_int_eq(tm_tag_close(TM_TAG_OTHER), 0);
    expect_tag(TM_TAG_OTHER, 3, 1);
    tm_free(block);
    ck_assert_int_eq(tm_tag_close(tags[5]), 0);
    ck_assert_int_gt(tm_tag_open("one more"), TM_TAG_OTHER);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tag_life");
    TCase *tcase = add_case(suite, "tag_life", 280);
    tcase_add_test(tcase, names_are_interned);
    tcase_add_test(tcase, names_that_are_none);
    tcase_add_test(tcase, what_is_no_tag_changes_nothing);
    tcase_add_test(tcase, unbalanced_leaves_end_in_no_tag);
    tcase_add_test(tcase, a_scope_leaves_by_itself);
    tcase_add_test(tcase, a_tag_outlives_its_threads_and_its_end);
    add_unless_emulated(tcase, what_a_tag_was_charged_never_shrinks, KEEPS_THREADS);
    tcase_add_test(tcase, tags_come_and_go);
    tcase_add_test(tcase, an_ended_tags_number_is_no_tag);
    tcase_add_test(tcase, a_number_comes_again_after_500000_others);
    tcase_add_test(tcase, too_many_are_other);
    return run_suite(suite);
}
