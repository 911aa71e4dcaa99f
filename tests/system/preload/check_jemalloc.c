/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jemalloc's own family. What jemalloc(3) says is tested with jemalloc itself, too; what is charged and reported, only
 * with the library preloaded.
 */
#include "support/support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define WEAK __attribute__((weak))
WEAK void *mallocx(size_t size, int flags);
WEAK void *rallocx(void *block, size_t size, int flags);
WEAK size_t xallocx(void *block, size_t size, size_t extra, int flags);
WEAK size_t sallocx(const void *block, int flags);
WEAK void dallocx(void *block, int flags);
WEAK void sdallocx(void *block, size_t size, int flags);
WEAK size_t nallocx(size_t size, int flags);

/* As jemalloc.h has them; arena 0 and an own cache that is none need no mallctl. */
#define ALIGN(alignment) (__builtin_ctzl(alignment))
#define ZERO 0x40
#define NO_CACHE 0x100
#define ARENA_0 (1 << 20)

static const size_t sizes[] = {1, 7, 16, 100, 1000, 5000, 20000, 300000, 5000000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static bool is_metered(void)
{
    return getenv("LD_PRELOAD") != NULL;
}

static void expect_charged(uint64_t bytes, uint64_t blocks)
{
    static uint64_t bytes_before, blocks_before;
    struct tm_totals now = thread_totals();
    if (blocks == UINT64_MAX) { /* from here on */
        bytes_before = tm_live_bytes(&now);
        blocks_before = tm_live_blocks(&now);
    } else if (is_metered()) {
        ck_assert_uint_eq(tm_live_bytes(&now) - bytes_before, bytes);
        ck_assert_uint_eq(tm_live_blocks(&now) - blocks_before, blocks);
    }
}

static bool all_are(const unsigned char *bytes, size_t from, size_t to, int value)
{
    for (size_t i = from; i < to; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

/* Makes sure that memory which is used again has other bytes than 0. */
static void leave_dirt(size_t size, int flags)
{
    void *block = mallocx(size, flags & ~ZERO);
    memset(block, 0xee, size);
    dallocx(block, 0);
}

START_TEST(blocks_are_aligned_zero_and_charged)
{
    expect_charged(0, UINT64_MAX);
    for (int i = 0; i < SIZES; i++)
        for (size_t alignment = 1; alignment <= 65536; alignment *= 2)
            for (int more = 0; more < 4; more++) {
                int flags = ALIGN(alignment) | (more & 1 ? ZERO : 0) | (more & 2 ? NO_CACHE | ARENA_0 : 0);
                leave_dirt(sizes[i], flags);
                unsigned char *block = mallocx(sizes[i], flags);
                ck_assert_ptr_nonnull(block);
                ck_assert_uint_eq((uintptr_t)block % alignment, 0);
                expect_charged(sizes[i], 1);
                ck_assert_uint_ge(sallocx(block, 0), sizes[i]);
                ck_assert_uint_eq(sallocx(block, flags), nallocx(sizes[i], flags));
                if (flags & ZERO)
                    ck_assert(all_are(block, 0, sizes[i], 0));
                memset(block, 1, sallocx(block, 0));
                more & 1 ? dallocx(block, flags) : sdallocx(block, sizes[i], flags);
                expect_charged(0, 0);
            }
}
END_TEST

START_TEST(resized_blocks_keep_their_bytes)
{
    expect_charged(0, UINT64_MAX);
    for (int from = 0; from < SIZES; from++)
        for (int to = 0; to < SIZES; to++)
            for (size_t alignment = 1; alignment <= 65536; alignment *= 16)
                for (int zero = 0; zero <= ZERO; zero += ZERO) {
                    int flags = ALIGN(alignment) | zero;
                    leave_dirt(sizes[to], flags);
                    unsigned char *block = mallocx(sizes[from], from % 2 ? 0 : flags & ~ZERO);
                    size_t had = sallocx(block, 0), kept = had < sizes[to] ? had : sizes[to];
                    memset(block, 3, had);
                    block = rallocx(block, sizes[to], flags);
                    ck_assert_uint_eq((uintptr_t)block % alignment, 0);
                    ck_assert(all_are(block, 0, kept, 3));
                    if (zero)
                        ck_assert(all_are(block, kept, sizes[to], 0));
                    expect_charged(sizes[to], 1);
                    dallocx(block, 0);
                }
    expect_charged(0, 0);
}
END_TEST

/* The caller becomes the owner of what it resizes, as with realloc. */
static void *resize_it(void *block)
{
    struct tm_totals before = thread_totals();
    block = rallocx(block, 3000, ALIGN(64));
    struct tm_totals after = thread_totals();
    if (is_metered())
        ck_assert_uint_eq(tm_live_bytes(&after) - tm_live_bytes(&before), 3000);
    dallocx(block, 0);
    return NULL;
}

START_TEST(another_thread_resizes_a_block)
{
    in_thread(free_it, NULL); /* libc keeps a thread's block for the next one */
    expect_charged(0, UINT64_MAX);
    in_thread(resize_it, mallocx(1000, ALIGN(64)));
    expect_charged(0, 0);
}
END_TEST

START_TEST(a_block_is_resized_in_place)
{
    expect_charged(0, UINT64_MAX);
    int grown = 0, shrunk = 0;
    for (int i = 0; i < SIZES; i++)
        for (int zero = 0; zero <= ZERO; zero += ZERO) {
            const size_t size = sizes[i], wanted[] = {size, size + 1, size + size / 2, size / 2 + 1, size * 4};
            for (size_t w = 0; w < sizeof wanted / sizeof wanted[0]; w++)
                for (size_t extra = 0; extra <= 3000; extra += 1000) {
                    unsigned char *block = mallocx(size, 0);
                    size_t had = sallocx(block, 0);
                    memset(block, 5, had);
                    size_t has = xallocx(block, wanted[w], extra, zero);
                    ck_assert_uint_eq(sallocx(block, 0), has);
                    ck_assert(all_are(block, 0, had < has ? had : has, 5));
                    if (zero)
                        ck_assert(all_are(block, had, has, 0));
                    memset(block, 6, has);
                    grown += has > had;
                    shrunk += has < had;
                    if (is_metered()) { /* one of the two sizes, or as it was */
                        ck_assert(has == wanted[w] + extra || has == wanted[w] || has == size);
                        expect_charged(has, 1);
                    }
                    dallocx(block, 0);
                }
        }
    expect_charged(0, 0);
    if (!getenv("THREADMETER_GUARD"))
        ck_assert(grown > 0 && shrunk > 0);
}
END_TEST

START_TEST(what_is_too_large_is_refused)
{
    volatile size_t huge = (size_t)1 << 62, half = SIZE_MAX / 2 + 1;
    expect_charged(0, UINT64_MAX);
    ck_assert_ptr_null(mallocx(huge, 0));
    ck_assert_ptr_null(mallocx(huge, ZERO | ALIGN(4096)));
    ck_assert_ptr_null(mallocx(half, ZERO));
    ck_assert_uint_eq(nallocx(half, 0), 0);
    unsigned char *block = mallocx(5000, 0);
    memset(block, 9, 5000);
    ck_assert_ptr_null(rallocx(block, huge, 0));
    ck_assert_ptr_null(rallocx(block, huge, ZERO | ALIGN(4096)));
    ck_assert_uint_lt(xallocx(block, huge, 0, 0), huge);
    ck_assert_uint_lt(xallocx(block, 5000, SIZE_MAX - 5000, 0), huge);
    ck_assert(all_are(block, 0, 5000, 9));
    dallocx(block, 0);
    expect_charged(0, 0);
}
END_TEST

/* Blocks of this family and of malloc's may be mixed. */
START_TEST(families_are_one)
{
    expect_charged(0, UINT64_MAX);
    free(mallocx(100, ALIGN(256)));
    dallocx(malloc(100), 0);
    void *block = rallocx(malloc(100), 200, ZERO);
    block = realloc(block, 300);
    expect_charged(300, 1);
    sdallocx(block, 300, 0);
    expect_charged(0, 0);
}
END_TEST

/* ---- misuse ---- */

static void free_twice(void)
{
    void *block = mallocx(96, 0);
    dallocx(block, 0);
    dallocx(block, 0);
}

static void free_sized_twice(void)
{
    void *block = mallocx(96, ALIGN(64));
    sdallocx(block, 96, 0);
    sdallocx(block, 96, 0);
}

static void resize_freed(void)
{
    void *block = mallocx(96, 0);
    dallocx(block, 0);
    block = rallocx(block, 200, ALIGN(64) | ZERO);
}

static void resize_freed_in_place(void)
{
    void *block = mallocx(96, 0);
    dallocx(block, 0);
    xallocx(block, 200, 0, 0);
}

static void free_inside(void)
{
    char *block = mallocx(96, 0);
    dallocx(block + 16, 0);
}

static const struct {
    void (*body)(void);
    const char *said;
} misuses[] = {
    {free_twice, "double free of "},          {free_sized_twice, "double free of "},
    {resize_freed, "realloc after free of "}, {resize_freed_in_place, "realloc after free of "},
    {free_inside, "which is inside "},
};

START_TEST(misuse_is_reported)
{
    int pipes[2], status;
    char said[512] = "";
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        hear_stderr(pipes[1]);
        misuses[_i].body();
        _exit(0);
    }
    close(pipes[1]);
    for (ssize_t got = 0, length = 0; (got = read(pipes[0], said + length, sizeof said - 1 - length)) > 0;)
        length += got;
    close(pipes[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_msg(strstr(said, misuses[_i].said) != NULL, "%s", said);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jemalloc");
    TCase *tcase = add_case(suite, "jemalloc", 120);
    tcase_add_test(tcase, blocks_are_aligned_zero_and_charged);
    tcase_add_test(tcase, resized_blocks_keep_their_bytes);
    tcase_add_test(tcase, another_thread_resizes_a_block);
    tcase_add_test(tcase, a_block_is_resized_in_place);
    tcase_add_test(tcase, what_is_too_large_is_refused);
    tcase_add_test(tcase, families_are_one);
    if (is_metered())
        tcase_add_loop_test(tcase, misuse_is_reported, 0, sizeof misuses / sizeof misuses[0]);
    return run_suite(suite);
}
