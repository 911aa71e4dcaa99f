/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fork of a process that publishes, where memory is scarce, or a step fails: the child has a region of its own, its
 * totals are its parent's at the fork and what it does itself, to the byte, and its parent's are what they were. The
 * linker puts what maps memory in front.
 */
#define _GNU_SOURCE
#include "support/published.h"

#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- steps that fail ---- */

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

/* ---- what there is ---- */

static uint64_t bytes, blocks; /* bytes that are live in this process, by the test's count */

struct kept {
    struct kept *next;
    size_t size;
};
static struct kept *kept; /* no sanitizer's leaks */

static void keep(size_t size)
{
    struct kept *one = tm_malloc(size);
    *one = (struct kept){kept, size};
    kept = one;
    bytes += size;
    blocks++;
}

static void free_one(void)
{
    struct kept *one = kept;
    kept = one->next;
    bytes -= one->size;
    blocks--;
    tm_free(one);
}

static void *keep_one(void *size)
{
    keep((size_t)(uintptr_t)size);
    return NULL;
}

/* Each thread leaves a block, and so a slot. */
static void use_slots(int threads)
{
    keep(1000);
    keep(500);
    keep(900);
    free_one();
    tm_tag_enter(tm_tag_open("mine"));
    keep(333);
    tm_tag_leave(0);
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, keep_one, (void *)(uintptr_t)(100 + i)), 0);
        pthread_join(thread, NULL);
    }
}

static void expect_mine(void)
{
    expect_process_live(bytes, blocks);
    ck_assert_uint_eq(tag_totals(tm_tag_open("mine")).allocated_bytes, 333);
}

static void *entered(void *unused)
{
    tm_tag_enter(tm_tag_open("a tag that is new"));
    keep(77);
    return unused;
}

/*
 * In the child. Of 3,000 blocks it frees 1,500, all of which are other threads'; then it has a thread of its own, and
 * forks, too.
 */
static void work(void)
{
    expect_mine();
    for (uint64_t half = blocks / 2; blocks > half;)
        free_one();
    expect_mine();
    keep(900);
    in_thread(keep_one, (void *)(uintptr_t)200);
    in_thread(entered, NULL);
    expect_mine();
    expect_invariant();
}

static void work_in_a_fork(void)
{
    work();
    exit(0);
}

static void work_and_fork(void)
{
    work();
    in_child(work_in_a_fork);
    expect_mine();
    free_one();
    expect_mine();
}

/* The same where not even a thread can be created. */
static void work_alone(void)
{
    expect_mine();
    free_one();
    free_one();
    expect_mine();
    keep(333);
    keep(900);
    expect_mine();
}

/* In the end, the child's file has the child's totals, and the parent's file the parent's. */
static void expect_work_in_child(void (*body)(void), bool published)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        body();
        _exit(write(ends[1], &bytes, sizeof bytes) == sizeof bytes ? 99 : 1); /* without removing its file */
    }
    uint64_t its = 0;
    int status = end_of(child);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), 0);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 99, "status %#x", (unsigned)status);
    ck_assert_int_eq(read(ends[0], &its, sizeof its), sizeof its);
    if (published)
        ck_assert_uint_eq(live_in(map_file_of(child)), its);
    ck_assert_uint_eq(live_in(map_file_of(getpid())), bytes);
    expect_mine();
    expect_invariant();
}

/* ---- limits ---- */

/* Of the line of /proc/self/status that begins so, in bytes. */
static rlim_t now_of(const char *line)
{
    char text[200];
    unsigned long long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    ck_assert_ptr_nonnull(status);
    while (fgets(text, sizeof text, status))
        if (strncmp(text, line, strlen(line)) == 0)
            ck_assert_int_eq(sscanf(text + strlen(line), ": %llu", &kilobytes), 1);
    fclose(status);
    return kilobytes << 10;
}

static void limit(int resource, rlim_t size)
{
    ck_assert_int_eq(setrlimit(resource, &(struct rlimit){size, RLIM_INFINITY}), 0);
}

enum { MARGIN = 32 << 20 };

/* The directory is moved away, so that no child can publish; it is back when the test is done. */
static char moved[80];

static void move_directory(void)
{
    snprintf(moved, sizeof moved, "%s.moved", directory);
    ck_assert_int_eq(rename(directory, moved), 0);
}

static const struct scarcity {
    int threads;
    bool flow, unpublished;
} scarcities[] = {{0, false, false},    {0, true, false},    {0, false, true},    {0, true, true},
                  {3000, false, false}, {3000, true, false}, {3000, false, true}, {3000, true, true}};
enum { SCARCITIES = sizeof scarcities / sizeof scarcities[0] };

static void expect_work_in_scarcity(const struct scarcity *scarcity, int resource, const char *line)
{
    if (scarcity->flow)
        setenv("THREADMETER_FLOW", "1", 1);
    use_slots(scarcity->threads);
    const struct tm__region *mine = map_file_of(getpid());
    limit(resource, now_of(line) + MARGIN);
    if (!scarcity->unpublished) {
        expect_work_in_child(work_and_fork, true);
        return;
    }
    uint64_t before = live_in(mine);
    move_directory();
    pid_t child = start(work_and_fork);
    int status = end_of(child);
    ck_assert_int_eq(rename(moved, directory), 0);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 99, "status %#x", (unsigned)status);
    ck_assert_uint_eq(live_in(mine), before);
    expect_mine();
}

START_TEST(a_child_lives_where_address_space_is_scarce)
{
    expect_work_in_scarcity(&scarcities[_i], RLIMIT_AS, "VmSize");
}
END_TEST

START_TEST(a_child_lives_where_data_is_scarce)
{
    expect_work_in_scarcity(&scarcities[_i], RLIMIT_DATA, "VmData");
}
END_TEST

/* A limit below what there is, as shells set it: nothing can be mapped until something has gone. */
START_TEST(a_child_lives_where_there_is_more_than_the_limit)
{
    use_slots(0);
    limit(RLIMIT_AS, now_of("VmSize") - MARGIN);
    if (_i == 0)
        expect_work_in_child(work_alone, true);
    else
        expect_work_in_child(work_and_fork, true);
}
END_TEST

/* And where nothing can be mapped at all. */
START_TEST(a_child_lives_where_nothing_can_be_mapped)
{
    use_slots(0);
    int said = stderr_now();
    limit(_i == 0 ? RLIMIT_AS : RLIMIT_DATA, 1 << 20);
    expect_work_in_child(work_alone, _i != 0);
    expect_said(said, NULL);
}
END_TEST

/* ---- and what else fails ---- */

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

/* Threads are to fit into the margin, so their stacks have a size of the test's. */
static void add_limits(TCase *tcase)
{
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 20);
    pthread_setattr_default_np(&small);
    pthread_attr_destroy(&small);
    tcase_add_loop_test(tcase, a_child_lives_where_address_space_is_scarce, 0, SCARCITIES);
    tcase_add_loop_test(tcase, a_child_lives_where_data_is_scarce, 0, SCARCITIES);
    tcase_add_loop_test(tcase, a_child_lives_where_there_is_more_than_the_limit, 0, 2);
    tcase_add_loop_test(tcase, a_child_lives_where_nothing_can_be_mapped, 0, 2);
}

int main(void)
{
    Suite *suite = suite_create("publish_fork");
    TCase *tcase = add_case(suite, "publish_fork", 60);
    tcase_add_checked_fixture(tcase, make_directory, remove_directory);
    if (!SANITIZED && !is_left_out("limits", NO_LIMIT_OF_MEMORY))
        add_limits(tcase);
    tcase_add_loop_test(tcase, each_step_may_fail, 0, sizeof failing / sizeof failing[0]);
    tcase_add_loop_test(tcase, large_pages_are_as_good, 0, 16);
    tcase_add_test(tcase, books_that_cannot_grow_are_exact);
    tcase_add_test(tcase, a_child_that_can_have_no_books_says_so_and_ends);
    return run_suite(suite);
}
