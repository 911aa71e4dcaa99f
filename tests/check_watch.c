/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watch.c: that the fast path of frees opens for every thread, also where others give back the pages by which a thread
 * tries whether it may. The linker puts the function below in front of tcmalloc's.
 */
#include "support.h"

#include "options.h"
#include "slot.h"

static void *frees_on_the_fast_path(void *answer)
{
    tm_free(tm_malloc(1));
    *(bool *)answer = tm__thread.me->free_key == tm__thread.me->key;
    return NULL;
}

static bool a_new_thread_does(void)
{
    bool answer = false;
    in_thread(frees_on_the_fast_path, &answer);
    return answer;
}

static void (*meanwhile)(void), (*afterwards)(void);

static void call_once(void (**function)(void))
{
    void (*call)(void) = *function;
    *function = NULL;
    if (call)
        call();
}

void __real_MallocExtension_ReleaseToSystem(size_t bytes);
void __wrap_MallocExtension_ReleaseToSystem(size_t bytes);
void __wrap_MallocExtension_ReleaseToSystem(size_t bytes)
{
    call_once(&meanwhile);
    __real_MallocExtension_ReleaseToSystem(bytes);
    call_once(&afterwards);
}

static void *release_all(void *unused)
{
    __real_MallocExtension_ReleaseToSystem(SIZE_MAX);
    return unused;
}

static void another_releases_all(void)
{
    in_thread(release_all, NULL);
}

static bool the_other_did;

static void another_attaches(void)
{
    the_other_did = a_new_thread_does();
}

static void another_attaches_and_releases_all(void)
{
    another_attaches();
    another_releases_all();
}

static void expect_all_to(void)
{
    bool answer = false;
    frees_on_the_fast_path(&answer);
    ck_assert(!meanwhile && !afterwards); /* that came to pass */
    ck_assert(answer);
    ck_assert(a_new_thread_does());
}

START_TEST(pages_are_gone_as_a_thread_tries)
{
    meanwhile = another_releases_all;
    expect_all_to();
}
END_TEST

START_TEST(two_threads_try_at_once)
{
    meanwhile = another_attaches_and_releases_all;
    expect_all_to();
    ck_assert(the_other_did);
}
END_TEST

/* The first got a whole span released for the little that it asked for; who asks for as little now gets nothing. */
START_TEST(a_thread_tries_before_the_first_knows)
{
    afterwards = another_attaches;
    expect_all_to();
    ck_assert(the_other_did);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("watch");
    TCase *tcase = add_case(suite, "watch", 30);
    tcase_add_test(tcase, pages_are_gone_as_a_thread_tries);
    tcase_add_test(tcase, two_threads_try_at_once);
    tcase_add_test(tcase, a_thread_tries_before_the_first_knows);
    return run_suite(suite);
}
