/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The region's memory: what is reserved, what is opened of it, and when; and what happens if the kernel gives no more.
 * The kernel itself says what is mapped, and how; functions in front of it refuse memory.
 */
#define _GNU_SOURCE
#include "state/region.h"
#include "state/pages.h"
#include "support/support.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <threadmeter/limits.h>
#include <unistd.h>

enum { KIB = 1024, MIB = 1024 * KIB };

static size_t largest = SIZE_MAX, largest_writable = SIZE_MAX; /* that is mapped at once */
static unsigned openings, openings_left = UINT32_MAX;

void *__real_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd);
void *__wrap_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd);
void *__wrap_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd)
{
    bool is_ours = (flags & MAP_NORESERVE) != 0;
    if (is_ours && (size > largest || ((protection & PROT_WRITE) && size > largest_writable)))
        return (void *)-ENOMEM;
    return __real_tm__sys_mmap(address, size, protection, flags, fd);
}

int __real_tm__sys_mprotect(void *address, size_t size, int protection);
int __wrap_tm__sys_mprotect(void *address, size_t size, int protection);
int __wrap_tm__sys_mprotect(void *address, size_t size, int protection)
{
    if (openings == openings_left)
        return -ENOMEM;
    openings++;
    return __real_tm__sys_mprotect(address, size, protection);
}

static struct rlimit address_space = {RLIM_INFINITY, RLIM_INFINITY};

int __real_tm__sys_getrlimit(int resource, struct rlimit *limit);
int __wrap_tm__sys_getrlimit(int resource, struct rlimit *limit);
int __wrap_tm__sys_getrlimit(int resource, struct rlimit *limit)
{
    if (resource != RLIMIT_AS)
        return __real_tm__sys_getrlimit(resource, limit);
    *limit = address_space;
    return 0;
}

struct mapped {
    size_t size, writable, may_be_huge; /* bytes */
};

/* What the kernel says of the region's addresses. */
static struct mapped look(void)
{
    uintptr_t start = (uintptr_t)tm__region_now(), end = start + tm__region_now()->head.flows_offset;
    struct mapped found = {0};
    unsigned long from, to, part = 0;
    char line[512], mode[8];
    FILE *maps = fopen("/proc/self/smaps", "r");
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3) {
            part = from >= start && to <= end ? to - from : 0;
            found.size += part;
            found.writable += mode[1] == 'w' ? part : 0;
        } else if (strncmp(line, "VmFlags:", 8) == 0 && !strstr(line, " nh")) {
            found.may_be_huge += part;
        }
    }
    fclose(maps);
    return found;
}

static void *leave_one(void *arg)
{
    *(void **)arg = tm_malloc(10);
    return NULL;
}

enum { MOST = 2000 };
static void *left[MOST];

static void leave_blocks(int count)
{
    for (int i = 0; i < count; i++)
        in_thread(leave_one, &left[i]);
}

static void free_blocks(int count)
{
    for (int i = 0; i < count; i++)
        tm_free(left[i]);
}

START_TEST(what_is_not_used_is_not_open)
{
    tm_free(tm_malloc(1));
    struct mapped few = look();
    ck_assert_uint_eq(tm__region_now()->head.slot_places, 131072);
    ck_assert_uint_gt(few.size, 64 * MIB);
    ck_assert_uint_le(few.writable, 384 * KIB);
    leave_blocks(MOST);
    struct mapped many = look();
    ck_assert_uint_eq(many.size, few.size);
    ck_assert_uint_le(many.writable, few.writable + MOST * sizeof(struct tm__slot) + 128 * KIB);
    ck_assert_uint_le(openings, MOST / 256 + 1);
    free_blocks(MOST);
}
END_TEST

START_TEST(no_huge_page_may_take_their_place)
{
    if (access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) != 0) /* a kernel without them */
        return;
    leave_blocks(300);
    struct mapped found = look();
    ck_assert_uint_gt(found.size, 0);
    ck_assert_uint_eq(found.may_be_huge, 0);
    free_blocks(300);
}
END_TEST

START_TEST(tags_are_opened_as_they_come)
{
    enum { TAGS = 4000 };
    tm_tag tags[TAGS];
    for (int i = 0; i < TAGS; i++) {
        char name[16];
        snprintf(name, sizeof name, "tag %d", i);
        ck_assert_int_gt(tags[i] = tm_tag_open(name), TM_TAG_OTHER);
    }
    ck_assert_uint_le(openings, 4);
    ck_assert_int_eq(tm_tag_enter(tags[TAGS - 1]), 0);
    void *block = tm_malloc(100);
    tm_tag_leave(0);
    expect_tag(tags[TAGS - 1], 100, 1);
    tm_free(block);
    for (int i = 0; i < TAGS; i++)
        ck_assert_int_eq(tm_tag_close(tags[i]), 0);
}
END_TEST

/* A number that was never a tag's may be that of a place that is not open. */
START_TEST(tags_that_there_are_not_are_read)
{
    struct tm_totals totals;
    for (tm_tag tag = 2; tag < 5000; tag++)
        ck_assert_int_eq(tm_tag_totals(tag, &totals), -EINVAL);
}
END_TEST

START_TEST(a_table_that_is_refused_is_tried_smaller)
{
    largest = 3 * MIB;
    leave_blocks(10);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 10);
    ck_assert_uint_eq(tm__region_now()->head.slot_places, 4096);
    expect_process_live(100, 10);
    free_blocks(10);
}
END_TEST

/* As with vm.overcommit_memory=2, or little data: what can be written to is what counts. */
START_TEST(a_table_is_reserved_without_a_promise)
{
    largest_writable = 512 * KIB;
    leave_blocks(300);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 300);
    ck_assert_uint_eq(tm__region_now()->head.slot_places, 131072);
    free_blocks(300);
}
END_TEST

START_TEST(where_no_step_can_be_opened_threads_share_the_overflow_slot)
{
    openings_left = 1;
    leave_blocks(MOST);
    size_t own = count_slots(TM_ORPHAN);
    ck_assert_uint_ge(own, 256);
    ck_assert_uint_lt(own, 512);
    struct tm_slot overflow;
    ck_assert(find_slot_in(TM_OVERFLOW, &overflow));
    expect_live(&overflow.totals, (MOST - own) * 10, MOST - own);
    expect_process_live(MOST * 10, MOST);
    openings_left = UINT32_MAX; /* there is memory again */
    void *block = NULL;
    in_thread(leave_one, &block);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), own + 1);
    tm_free(block);
    free_blocks(MOST);
}
END_TEST

static void expect_places(rlim_t limit, uint32_t places)
{
    address_space.rlim_cur = limit;
    void *block = tm_malloc(1);
    ck_assert_uint_eq(tm__region_now()->head.slot_places, places);
    tm_free(block);
}

static const struct {
    rlim_t limit;
    uint32_t places;
} shares[] = {{1 * MIB, 256}, {64 * MIB, 2048}, {1024 * MIB, 32768}, {(rlim_t)8192 * MIB, 131072}};
enum { SHARES = sizeof shares / sizeof shares[0] };

START_TEST(of_limited_address_space_a_share)
{
    expect_places(shares[_i].limit, shares[_i].places);
}
END_TEST

START_TEST(no_memory_at_all_is_told)
{
    static const char line[] = "threadmeter: no memory for a table of threads, so they all share one row\n";
    char told[256] = "";
    int ends[2], stderr_was = dup(STDERR_FILENO);
    ck_assert_int_eq(pipe(ends), 0);
    hear_stderr(ends[1]);
    largest = 0;
    leave_blocks(10);
    hear_stderr(stderr_was);
    close(ends[1]);
    ck_assert_int_ge(read(ends[0], told, sizeof told - 1), 0);
    ck_assert_str_eq(told, line);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    expect_process_live(100, 10);
    free_blocks(10);
}
END_TEST

START_TEST(without_memory_for_bounds)
{
    struct tm_section section;
    tm_tag tag = tm_tag_open("a tag");
    void *block = tm_malloc(20);
    largest = 0;
    ck_assert_int_eq(tm_thread_limit(100), -ENOMEM);
    ck_assert_int_eq(tm_section_begin(&section), -ENOMEM);
    ck_assert_int_eq(tm_section_end(&section, NULL), -EINVAL);
    ck_assert_int_eq(tm_tag_enter(tag), 0);
    ck_assert_int_eq(tm_tag_current(), tag);
    void *shared = tm_malloc(10);
    struct tm_slot overflow;
    ck_assert(find_slot_in(TM_OVERFLOW, &overflow));
    expect_live(&overflow.totals, 10, 1);
    tm_tag_leave(0);
    void *more = tm_malloc(70);
    struct tm_totals mine = thread_totals();
    expect_live(&mine, 90, 2);
    ck_assert_uint_eq(mine.peak_bytes, 90);
    largest = SIZE_MAX;
    ck_assert_int_eq(tm_thread_limit(100), 0);
    ck_assert_ptr_null(tm_malloc(11));
    void *fits = tm_malloc(10);
    ck_assert_ptr_nonnull(fits);
    ck_assert_int_eq(tm_thread_limit(0), 0);
    tm_free(fits);
    tm_free(more);
    tm_free(shared);
    tm_free(block);
    ck_assert_int_eq(tm_tag_close(tag), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("space");
    TCase *tcase = add_case(suite, "space", 120);
    tcase_add_test(tcase, what_is_not_used_is_not_open);
    tcase_add_test(tcase, no_huge_page_may_take_their_place);
    tcase_add_test(tcase, tags_are_opened_as_they_come);
    tcase_add_test(tcase, tags_that_there_are_not_are_read);
    tcase_add_test(tcase, a_table_that_is_refused_is_tried_smaller);
    tcase_add_test(tcase, a_table_is_reserved_without_a_promise);
    tcase_add_test(tcase, where_no_step_can_be_opened_threads_share_the_overflow_slot);
    tcase_add_loop_test(tcase, of_limited_address_space_a_share, 0, SHARES);
    tcase_add_test(tcase, no_memory_at_all_is_told);
    tcase_add_test(tcase, without_memory_for_bounds);
    return run_suite(suite);
}
