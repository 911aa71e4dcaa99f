/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pages of its page map that tcmalloc touches when it starts are asked for at once. The linker puts madvise in front
 * of ours.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <sys/mman.h>

enum { POPULATE_WRITE = 23, LEAF = 2 << 20 };

/* Of all calls; the first come before main(). */
static struct call {
    char *address;
    size_t size;
    int advice;
} calls[64];
static size_t call_count;

int __real_tm__sys_madvise(void *address, size_t size, int advice);
int __wrap_tm__sys_madvise(void *address, size_t size, int advice);
int __wrap_tm__sys_madvise(void *address, size_t size, int advice)
{
    if (call_count < sizeof calls / sizeof calls[0])
        calls[call_count++] = (struct call){address, size, advice};
    return __real_tm__sys_madvise(address, size, advice);
}

static size_t count_calls(const char *address, size_t size, int advice)
{
    size_t count = 0;
    for (size_t i = 0; i < call_count; i++)
        count += calls[i].address == address && calls[i].size == size && calls[i].advice == advice;
    return count;
}

/* The leaf says of each page which objects are in it; what else could be there is far smaller, or not touched yet. */
START_TEST(the_leaf_is_populated_once_and_tcmalloc_uses_it)
{
    uint64_t *leaf = NULL;
    for (size_t i = 0; i < call_count; i++)
        if (calls[i].size == LEAF && calls[i].advice == MADV_HUGEPAGE)
            leaf = (uint64_t *)calls[i].address;
    ck_assert_ptr_nonnull(leaf);
    ck_assert_uint_eq((uintptr_t)leaf % LEAF, 0);
    ck_assert_uint_eq(count_calls((char *)leaf, LEAF, MADV_HUGEPAGE), 1);
    ck_assert_uint_eq(count_calls((char *)leaf, LEAF, POPULATE_WRITE), 1);
    enum { ENTRIES = LEAF / 8, PAGE_OF_TCMALLOC = 8192 };
    void *block = tm_malloc(300000);
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_ne(leaf[(uintptr_t)block / PAGE_OF_TCMALLOC % ENTRIES], 0);
    tm_free(block);
}
END_TEST

START_TEST(other_memory_is_not)
{
    size_t populated = 0;
    for (size_t i = 0; i < call_count; i++)
        populated += calls[i].advice == POPULATE_WRITE;
    ck_assert_uint_eq(populated, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("first_pages");
    TCase *tcase = add_case(suite, "first_pages", 30);
    tcase_add_test(tcase, the_leaf_is_populated_once_and_tcmalloc_uses_it);
    tcase_add_test(tcase, other_memory_is_not);
    return run_suite(suite);
}
