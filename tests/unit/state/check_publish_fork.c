/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fork of a process that publishes, where a step fails: the child has a region of its own, its totals are its parent's
 * at the fork and what it does itself, to the byte, and its parent's are what they were. The linker puts what maps memory
 * in front.
 */
#define _GNU_SOURCE
#include "forked_work.h"
#include "support/published.h"

#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* How many calls of each kind are refused from now on. `files` has a bit for each call, the lowest first. */
static struct refusals {
    int copies, files, pages, moves, rest;
} refused;

static unsigned long page_size; /* as on machines where it is larger; 0: it is as it is */

static bool count_down(int *left)
{
    return *left > 0 && (*left)--;
}

void *__real_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd);
void *__wrap_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd);
void *__wrap_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd)
{
    int *left = !(flags & MAP_FIXED)                     ? &refused.copies
                : size <= (page_size ? page_size : 4096) ? &refused.pages
                                                         : &refused.rest;
    return count_down(left) ? (void *)-ENOMEM : __real_tm__sys_mmap(address, size, protection, flags, fd);
}

void *__real_tm__sys_map_file(void *address, size_t size, int fd, off_t offset);
void *__wrap_tm__sys_map_file(void *address, size_t size, int fd, off_t offset);
void *__wrap_tm__sys_map_file(void *address, size_t size, int fd, off_t offset)
{
    bool no = refused.files & 1;
    refused.files >>= 1;
    return no ? (void *)-ENOMEM : __real_tm__sys_map_file(address, size, fd, offset);
}

void *__real_tm__sys_move(void *address, size_t size, void *to);
void *__wrap_tm__sys_move(void *address, size_t size, void *to);
void *__wrap_tm__sys_move(void *address, size_t size, void *to)
{
    return count_down(&refused.moves) ? (void *)-ENOMEM : __real_tm__sys_move(address, size, to);
}

unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type)
{
    return type == AT_PAGESZ && page_size ? page_size : __real_getauxval(type);
}

enum { ALL = 1000000 };

static const struct failing {
    struct refusals refused;
    bool flow, published;
} failing[] = {
    {{.copies = 1}, true, true}, /* without flow it has a place */
    {{.copies = ALL}, false, true},
    {{.files = 1}, false, true},
    {{.files = 1}, true, true},
    {{.files = 3}, false, false},
    {{.files = 5}, false, false},
    {{.files = 5}, true, false},
    {{.files = 9}, true, false},
    {{.files = -1}, false, false},
    {{.files = -1}, true, false},
    {{.copies = 1, .files = -1}, true, false},
    {{.files = -1, .pages = 1}, false, false},
    {{.files = -1, .pages = ALL}, false, false},
    {{.files = -1, .pages = ALL}, true, false},
    {{.files = -1, .rest = 1}, false, false},
    {{.files = -1, .rest = ALL}, false, false},
    {{.files = -1, .pages = ALL, .rest = ALL}, true, false},
};

START_TEST(each_step_may_fail)
{
    if (failing[_i].flow)
        setenv("THREADMETER_FLOW", "1", 1);
    use_slots(failing[_i].flow ? 200 : 20);
    int said = stderr_now();
    struct refusals before = refused = failing[_i].refused;
    expect_work_in_child(work_and_fork, failing[_i].published);
    ck_assert(before.copies == 0 || !failing[_i].flow || refused.copies < before.copies);
    expect_said(said, NULL);
}
END_TEST

/* Areas do not begin with such a page, nor end with one. */
START_TEST(large_pages_are_as_good)
{
    static const struct refusals some[] = {{0}, {.files = 1}, {.files = -1}, {.files = -1, .rest = ALL}};
    page_size = 16384UL << 2 * (_i % 2);
    if (_i / 8)
        setenv("THREADMETER_FLOW", "1", 1);
    use_slots(150 * (_i / 8) + 20);
    refused = some[_i / 2 % 4];
    expect_work_in_child(work_and_fork, refused.files != -1);
}
END_TEST

/* In a region that cannot grow, threads share the overflow slot, tags are "other", and the totals are as exact. */
static void work_without_room(void)
{
    refused = (struct refusals){0};
    work();
    struct tm_slot overflow;
    for (int i = 0; i < 20; i++)
        in_thread(keep_one, (void *)(uintptr_t)200);
    expect_mine();
    ck_assert(find_slot_in(TM_OVERFLOW, &overflow));
    ck_assert_uint_gt(overflow.totals.allocated_bytes, 0);
    for (int i = 0; i < 100; i++) {
        char name[20];
        sprintf(name, "tag %d", i);
        tm_tag_open(name);
    }
    ck_assert_int_eq(tm_tag_open("one more"), TM_TAG_OTHER);
    in_child(work_in_a_fork);
}

START_TEST(books_that_cannot_grow_are_exact)
{
    use_slots(4); /* a page, with the shared ones and those of the first thread */
    refused = (struct refusals){.files = -1, .rest = ALL};
    expect_work_in_child(work_without_room, false);
}
END_TEST

/* The child ends, rather than write to its parent's region. */
START_TEST(a_child_that_can_have_no_books_says_so_and_ends)
{
    allocate();
    refused = (struct refusals){.files = -1, .pages = ALL, .moves = ALL};
    int said = stderr_now();
    pid_t child = start(allocate);
    int status = end_of(child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    char text[400] = "";
    ck_assert_int_ge(pread(said, text, sizeof text - 1, 0), 0);
    const char *line =
        "threadmeter: no memory for the region of a fork's child\n"; /* an emulator prints its own after it */
    ck_assert_msg(strstr(text, line) != NULL, "said: %s", text);
    expect_process_live(1000, 1);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("publish_fork");
    TCase *tcase = add_case(suite, "publish_fork", 60);
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    tcase_add_loop_test(tcase, each_step_may_fail, 0, sizeof failing / sizeof failing[0]);
    tcase_add_loop_test(tcase, large_pages_are_as_good, 0, 16);
    tcase_add_test(tcase, books_that_cannot_grow_are_exact);
    tcase_add_test(tcase, a_child_that_can_have_no_books_says_so_and_ends);
    return run_suite(suite);
}
