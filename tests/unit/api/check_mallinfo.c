/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mallinfo.c: questions about the heap. With PLAIN, by libc's own names: without the preloaded library, the answers are
 * glibc's, which show what is true of any heap; with it, and by our names, more is true of ours.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef PLAIN
#include <threadmeter/malloc.h>
#define tm_malloc malloc
#define tm_free free
#define tm_mallinfo mallinfo
#define tm_mallinfo2 mallinfo2
#define tm_malloc_stats malloc_stats
#define tm_malloc_info malloc_info
#define tm_malloc_trim malloc_trim
#define tm_mallopt mallopt
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif

/* Whether the live bytes are those that we count. */
static bool counted(void)
{
#ifdef PLAIN
    return getenv("LD_PRELOAD") != NULL;
#else
    return true;
#endif
}

/* Whether the heap that is asked about is tcmalloc's. */
static bool ours(void)
{
#ifdef TM_BACKEND_LIBC
    return false;
#else
    return counted();
#endif
}

static bool libc_is_the_process_malloc(void)
{
    Dl_info its, libcs;
    return dladdr(dlsym(RTLD_DEFAULT, "malloc"), &its) && dladdr(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), &libcs) &&
           its.dli_fbase == libcs.dli_fbase;
}

static size_t of_tcmalloc(const char *property)
{
    int (*ask)(const char *, size_t *) =
        (int (*)(const char *, size_t *))dlsym(RTLD_DEFAULT, "MallocExtension_GetNumericProperty");
    size_t value = 0;
    if (!ask(property, &value)) /* Check allocates for each assertion */
        ck_abort_msg("%s", property);
    return value;
}

/* By the kernel. */
static size_t resident(void)
{
    char text[100] = "";
    int fd = open("/proc/self/statm", O_RDONLY);
    ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
    close(fd);
    return strtoul(strchr(text, ' '), NULL, 10) * (size_t)getpagesize();
}

START_TEST(what_lives)
{
    struct mallinfo2 before = tm_mallinfo2();
    void *volatile block = tm_malloc(1000);
    struct mallinfo2 during = tm_mallinfo2();
    tm_free(block);
    struct mallinfo2 after = tm_mallinfo2();
    if (counted()) {
        struct tm_totals totals = process_totals();
        ck_assert_uint_eq(during.uordblks - before.uordblks, 1000);
        ck_assert_uint_eq(after.uordblks, before.uordblks);
        ck_assert_uint_eq(tm_mallinfo2().uordblks, tm_live_bytes(&totals));
    }
    ck_assert_uint_ge(during.uordblks, before.uordblks);
    ck_assert_uint_eq(during.uordblks + during.fordblks, during.arena);
    ck_assert_uint_le(during.keepcost, during.fordblks);
    ck_assert_uint_le(during.fsmblks, during.fordblks);
    ck_assert_uint_eq(during.usmblks, 0);
}
END_TEST

START_TEST(what_is_held_for_it)
{
    enum { LARGE = 100 << 20 };
    struct mallinfo2 before = tm_mallinfo2();
    void *volatile block = tm_malloc(LARGE);
    struct mallinfo2 during = tm_mallinfo2();
    ck_assert_uint_ge(during.arena + during.hblkhd, before.arena + before.hblkhd + LARGE);
    if (ours())
        ck_assert_uint_eq(during.arena,
                          of_tcmalloc("generic.heap_size") - of_tcmalloc("tcmalloc.pageheap_unmapped_bytes"));
    tm_free(block);
    if (ours())
        ck_assert_uint_ge(tm_mallinfo2().keepcost, LARGE);
    tm_malloc_trim(0);
    struct mallinfo2 after = tm_mallinfo2();
    ck_assert_uint_lt(after.arena + after.hblkhd, during.arena + during.hblkhd - LARGE / 2);
}
END_TEST

START_TEST(the_narrow_form)
{
    struct mallinfo2 wide = tm_mallinfo2();
    struct mallinfo narrow = tm_mallinfo();
    ck_assert_int_eq(narrow.arena, (int)wide.arena);
    ck_assert_int_eq(narrow.ordblks, (int)wide.ordblks);
    ck_assert_int_eq(narrow.fsmblks, (int)wide.fsmblks);
    ck_assert_int_eq(narrow.uordblks, (int)wide.uordblks);
    ck_assert_int_eq(narrow.fordblks, (int)wide.fordblks);
    ck_assert_int_eq(narrow.keepcost, (int)wide.keepcost);
}
END_TEST

/* The number after the last occurrence of `element` in a document. */
static size_t size_of(const char *document, const char *element)
{
    const char *at = NULL;
    for (const char *next = document; (next = strstr(next, element)); next++)
        at = next;
    ck_assert_msg(at, "no %s in %s", element, document);
    at = strstr(at, " size=\"");
    return strtoul(at + 7, NULL, 10);
}

static char document[1 << 20];

START_TEST(as_a_document)
{
    FILE *stream = fmemopen(document, sizeof document, "w");
    fputc(' ', stream); /* so that it has its buffer */
    fflush(stream);
    rewind(stream);
    ck_assert_int_eq(tm_malloc_info(1, stream), EINVAL);
    struct mallinfo2 info = tm_mallinfo2();
    int result = tm_malloc_info(0, stream);
    fclose(stream);
    ck_assert_int_eq(result, 0);
    static const char start[] = "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n", end[] = "\n</malloc>\n";
    ck_assert_mem_eq(document, start, sizeof start - 1);
    ck_assert_str_eq(document + strlen(document) - (sizeof end - 1), end);
    size_t current = size_of(document, "<system type=\"current\""), fast = size_of(document, "<total type=\"fast\""),
           rest = size_of(document, "<total type=\"rest\"");
    size_of(document, "<total type=\"mmap\" count=\"");
    ck_assert_uint_eq(current, info.arena);
    /* glibc's own sizes are wrong by the flags in some of them. */
    ck_assert_uint_le(info.uordblks - (current - fast - rest), ours() ? 0 : 64);
    ck_assert_uint_ge(size_of(document, "<system type=\"max\""), current);
    ck_assert_uint_ge(size_of(document, "<aspace type=\"total\""), current);
    ck_assert_uint_ge(size_of(document, "<aspace type=\"mprotect\""), current);

    /* Each element that is opened is closed. */
    int depth = 0;
    for (const char *at = document; (at = strchr(at, '<')); at++) {
        const char *close = strchr(at, '>');
        depth += at[1] == '/' ? -1 : close[-1] == '/' ? 0 : 1;
        ck_assert_int_ge(depth, 0);
    }
    ck_assert_int_eq(depth, 0);
}
END_TEST

enum { MANY = 2000, LARGE = 50000 };

static void *blocks[MANY];

/* Free memory that is not at the heap's end, 100 MB of it. */
static void *make_free(void *(*allocate)(size_t), void (*release)(void *))
{
    for (int i = 0; i < MANY; i++) {
        blocks[i] = allocate(LARGE);
        memset(blocks[i], 1, LARGE);
    }
    void *last = allocate(2 * LARGE);
    for (int i = 0; i < MANY; i++)
        release(blocks[i]);
    return last;
}

START_TEST(what_is_given_back)
{
    void *last = make_free(tm_malloc, tm_free);
    size_t before = resident();
    if (ours()) {
        ck_assert_int_eq(tm_malloc_trim(SIZE_MAX), 0);
        ck_assert_uint_gt(resident() + MANY * LARGE / 2, before);
    }
    errno = 5;
    ck_assert_int_eq(tm_malloc_trim(0), 1);
    ck_assert_int_eq(errno, 5);
    ck_assert_uint_lt(resident() + MANY * LARGE * 3 / 4, before);
    /* What the questions themselves allocated is given back first. */
    tm_malloc_trim(0);
    int again = tm_malloc_trim(0);
    if (ours())
        ck_assert_int_eq(again, 0);
    tm_free(last);
}
END_TEST

START_TEST(caches_of_the_caller_are_given_back)
{
    if (!ours())
        return;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 60; i++)
            blocks[i] = tm_malloc(100);
        for (int i = 0; i < 60; i++)
            tm_free(blocks[i]);
    }
    size_t before = of_tcmalloc("generic.current_allocated_bytes");
    tm_malloc_trim(0);
    size_t in_use = of_tcmalloc("generic.current_allocated_bytes");
    size_t cached = of_tcmalloc("tcmalloc.current_total_thread_cache_bytes");
    tm_flush_cache();
    size_t without_cache = of_tcmalloc("generic.current_allocated_bytes");
    ck_assert_uint_eq(cached, 0);
    ck_assert_uint_eq(without_cache, in_use);
    if (HAS_CACHES)
        ck_assert_uint_lt(in_use + 60 * 100, before);
    else
        ck_assert_uint_eq(in_use, before);
    void *volatile again = tm_malloc(100);
    tm_free(again);
    expect_invariant();
}
END_TEST

/* Blocks of the libraries are in libc's heap: trimming trims that, too, as it does without threadmeter. */
START_TEST(the_process_own_heap_is_not_forgotten)
{
    if (!ours() || !libc_is_the_process_malloc())
        return;
    void *last = make_free(malloc, free);
    size_t before = resident();
    tm_malloc_trim(0);
    ck_assert_uint_lt(resident() + MANY * LARGE * 3 / 4, before);
    free(last);
    tm_mallopt(M_PERTURB, 0xaa);
    unsigned char *volatile perturbed = malloc(5000);
    unsigned char first = perturbed[100], other = perturbed[4000];
    free(perturbed);
    tm_mallopt(M_PERTURB, 0);
    ck_assert_uint_eq(first, 0x55);
    ck_assert_uint_eq(other, 0x55);
}
END_TEST

START_TEST(options_are_taken)
{
    ck_assert_int_eq(tm_mallopt(M_ARENA_MAX, 1), 1);
    ck_assert_int_eq(tm_mallopt(M_MMAP_THRESHOLD, 1 << 20), 1);
    ck_assert_int_eq(tm_mallopt(M_TRIM_THRESHOLD, 1 << 20), 1);
}
END_TEST

START_TEST(statistics_on_stderr)
{
    int memory = memfd_create("stderr", 0), saved = dup(2);
    dup2(memory, 2);
    tm_malloc_stats();
    dup2(saved, 2);
    char text[8192] = "";
    ssize_t length = pread(memory, text, sizeof text - 1, 0);
    close(memory);
    close(saved);
    ck_assert_int_gt(length, 0);
    ck_assert_msg(strstr(text, ours() ? "Bytes in use by application" : "in use bytes"), "%s", text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mallinfo");
    TCase *tcase = add_case(suite, "mallinfo", 120);
    tcase_add_test(tcase, what_lives);
    tcase_add_test(tcase, what_is_held_for_it);
    tcase_add_test(tcase, the_narrow_form);
    tcase_add_test(tcase, as_a_document);
    tcase_add_test(tcase, what_is_given_back);
    tcase_add_test(tcase, caches_of_the_caller_are_given_back);
    tcase_add_test(tcase, the_process_own_heap_is_not_forgotten);
    tcase_add_test(tcase, options_are_taken);
    tcase_add_test(tcase, statistics_on_stderr);
    return run_suite(suite);
}
