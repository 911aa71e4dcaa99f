/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/refusal.h"
#include "support/support.h"

static bool same(const struct tm_totals *a, const struct tm_totals *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

void expect_refused(char *block, size_t size)
{
    struct tm_totals before = thread_totals(), process = process_totals();
    void *(*const ways[])(size_t, size_t) = {tm_calloc, tm_memalign, tm_aligned_alloc};
    errno = 0;
    ck_assert_ptr_null(tm_malloc(size));
    ck_assert_int_eq(errno, ENOMEM);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        errno = 0;
        ck_assert_ptr_null(i == 0 ? ways[i](1, size) : ways[i](64, size));
        ck_assert_int_eq(errno, ENOMEM);
    }
    size_t old = tm_malloc_usable_size(block), intact = 0;
    errno = 0;
    ck_assert_ptr_null(tm_realloc(block, old + size));
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_uint_eq(tm_malloc_usable_size(block), old);
    while (intact < old && block[intact] == 'x')
        intact++;
    ck_assert_uint_eq(intact, old);
    struct tm_totals after = thread_totals(), process_after = process_totals();
    ck_assert(same(&before, &after));
    ck_assert(same(&process, &process_after));
}
