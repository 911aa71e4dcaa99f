/* SPDX-License-Identifier: BSD-3-Clause */
/* backend.h: whether the backend that this is built with does what is promised there. The test is the same for each. */
#define _GNU_SOURCE
#include "support/support.h"
#include "base/backend.h"

#include <sys/mman.h>

static const size_t sizes[] = {1,
                               8,
                               16,
                               17,
                               24,
                               40,
                               48,
                               80,
                               112,
                               144,
                               240,
                               336,
                               512,
                               600,
                               1000,
                               1024,
                               1025,
                               1500,
                               4096,
                               5000,
                               8192,
                               9000,
                               32768,
                               100000,
                               (size_t)256 << 10,
                               ((size_t)256 << 10) + 1,
                               300000,
                               1 << 20};
enum { SIZES = sizeof sizes / sizeof *sizes, EACH = 40 };

static char *objects[EACH];

static size_t allocate_each(size_t size)
{
    size_t request = backend_round_up(size);
    for (int i = 0; i < EACH; i++) {
        objects[i] = backend_malloc(request);
        ck_assert_ptr_nonnull(objects[i]);
        memset(objects[i], 0x5a, request);
    }
    return request;
}

static void free_each(void)
{
    for (int i = 0; i < EACH; i++)
        backend_free(objects[i]);
}

START_TEST(requests_are_rounded_up_and_objects_aligned)
{
    for (int s = 0; s < SIZES; s++) {
        size_t request = allocate_each(sizes[s]);
        ck_assert_uint_ge(request, sizes[s]);
        ck_assert_uint_eq(backend_round_up(request), request);
        for (int i = 0; i < EACH; i++)
            ck_assert_uint_eq((uintptr_t)objects[i] % TM__BACKEND_ALIGNMENT, 0);
        free_each();
    }
}
END_TEST

START_TEST(objects_for_one_rounded_request_stand_for_each_other)
{
    if (!TM__BACKEND_ALLOWS_CACHE)
        return;
    for (size_t size = 1; size <= 2000; size++)
        ck_assert_uint_eq(backend_round_up(size),
                          (size + TM__BACKEND_ALIGNMENT - 1) / TM__BACKEND_ALIGNMENT * TM__BACKEND_ALIGNMENT);
}
END_TEST

START_TEST(from_some_size_on_none_begins_after_a_header)
{
    for (int s = 0; s < SIZES; s++) {
        if (sizes[s] < TM__BACKEND_ROOMY_FROM)
            continue;
        allocate_each(sizes[s]);
        for (int i = 0; i < EACH; i++)
            ck_assert_uint_eq((uintptr_t)objects[i] % (2 * TM__BACKEND_ALIGNMENT), 0);
        free_each();
    }
}
END_TEST

/* How many bytes of a freed object have changed. One of whole pages may have been given back, and then all are 0. */
static size_t overwritten(const char *object, size_t size)
{
    size_t changed = 0;
    bool cleared = size > TM__BACKEND_LARGEST_CLASS;
    for (size_t i = 0; i < size; i++) {
        if (object[i] != 0x5a)
            changed = i + 1;
        cleared &= object[i] == 0;
    }
    return cleared ? 0 : changed;
}

/* The object is looked at before anything is asserted, since Check's assertions allocate. */
static size_t most_overwritten(size_t size)
{
    size_t request = allocate_each(size), most = 0;
    free_each();
    for (int i = 0; i < EACH; i++) {
        size_t here = overwritten(objects[i], request);
        most = here > most ? here : most;
    }
    return most;
}

START_TEST(of_a_freed_object_little_is_overwritten)
{
    if (TM__BACKEND_OVERWRITES == SIZE_MAX || !backend_knows_objects())
        return;
    for (int s = 0; s < SIZES; s++)
        ck_assert_uint_le(most_overwritten(sizes[s]),
                          sizes[s] > TM__BACKEND_LARGEST_CLASS ? 0 : TM__BACKEND_OVERWRITES);
}
END_TEST

START_TEST(it_knows_its_objects_from_other_memory)
{
    static char in_static_memory[16];
    char on_the_stack[16];
    char *mapped = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const char *volatile others[] = {NULL, in_static_memory, on_the_stack, mapped, mapped + 4096, (char *)16};
    backend_free(backend_malloc(1)); /* before the first object, it may know nothing */
    for (int i = 0; i < 6; i++) {
        ck_assert(!backend_owns(others[i]));
        ck_assert_uint_eq(backend_size_of(others[i]), 0);
    }
    munmap(mapped, 8192);
    for (int s = 0; s < SIZES && backend_knows_objects(); s++) {
        size_t request = allocate_each(sizes[s]), whole = request > TM__BACKEND_LARGEST_CLASS ? 4096 : request;
        for (int i = 0; i < EACH; i++) {
            size_t span = backend_size_of(objects[i]);
            ck_assert_uint_ge(span, request);
            ck_assert_uint_eq(span, backend_size_for(request));
            for (size_t at = 0; at < whole; at += 1 + whole / 20) {
                ck_assert(backend_owns(objects[i] + at));
                ck_assert_uint_eq(backend_size_of(objects[i] + at), span);
            }
        }
        free_each();
    }
}
END_TEST

/* Of memory that it does not know, it says that an object may begin there, so that no honest program is accused. */
START_TEST(it_knows_where_objects_begin)
{
    for (int s = 0; s < SIZES; s++) {
        size_t request = allocate_each(sizes[s]);
        for (int i = 0; i < EACH; i += 5) {
            ck_assert(backend_may_begin_object(objects[i]));
            for (size_t at = 16; at < request; at += 16 + request / 5)
                ck_assert_int_eq(backend_may_begin_object(objects[i] + at), !backend_knows_objects());
            if (!backend_knows_objects())
                ck_assert(backend_is_on_grid(objects[i]));
        }
        free_each();
    }
}
END_TEST

/* What is asked of it at every free must not be asked of all its memory: nearly all objects are found by their sizes. */
START_TEST(most_objects_are_on_the_grid)
{
    int found = 0;
    for (int s = 0; s < SIZES; s++) {
        allocate_each(sizes[s]);
        for (int i = 0; i < EACH; i++)
            found += backend_is_on_grid(objects[i]);
        free_each();
    }
    ck_assert_int_ge(found, backend_knows_objects() ? SIZES * EACH * 3 / 4 : 0);
}
END_TEST

static void ask_in_child(void)
{
    backend_after_fork();
    char *object = backend_malloc(backend_round_up(100));
    ck_assert(backend_may_begin_object(object));
    backend_free(object);
}

START_TEST(a_child_may_ask)
{
    in_child(ask_in_child);
}
END_TEST

START_TEST(it_says_what_it_holds)
{
    enum { LARGE = 64 << 20 };
    struct backend_heap before = backend_heap();
    char *object = backend_malloc(backend_round_up(LARGE));
    struct backend_heap during = backend_heap();
    backend_free(object);
    ck_assert_uint_ge(during.mapped, during.given_back);
    if (SANITIZED)
        return;
    ck_assert_uint_ge(during.mapped - during.given_back, before.mapped - before.given_back + LARGE);
    backend_give_back(0);
    struct backend_heap after = backend_heap();
    ck_assert_uint_lt(after.mapped - after.given_back, during.mapped - during.given_back - LARGE / 2);
    ck_assert(!backend_give_back(SIZE_MAX / 2));
}
END_TEST

START_TEST(who_watches_it_has_a_name)
{
    const char *names[] = {TM__BACKEND_OBSERVERS NULL};
    for (int i = 0; names[i]; i++)
        ck_assert_str_ne(names[i], "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backend");
    TCase *tcase = add_case(suite, "backend", 60);
    tcase_add_test(tcase, requests_are_rounded_up_and_objects_aligned);
    tcase_add_test(tcase, objects_for_one_rounded_request_stand_for_each_other);
    tcase_add_test(tcase, from_some_size_on_none_begins_after_a_header);
    tcase_add_test(tcase, of_a_freed_object_little_is_overwritten);
    tcase_add_test(tcase, it_knows_its_objects_from_other_memory);
    tcase_add_test(tcase, it_knows_where_objects_begin);
    tcase_add_test(tcase, most_objects_are_on_the_grid);
    tcase_add_test(tcase, a_child_may_ask);
    tcase_add_test(tcase, it_says_what_it_holds);
    tcase_add_test(tcase, who_watches_it_has_a_name);
    return run_suite(suite);
}
