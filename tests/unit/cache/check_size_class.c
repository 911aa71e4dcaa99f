/* SPDX-License-Identifier: BSD-3-Clause */
/* size_class.h, for each request that has a class. tcmalloc's own size classes are the oracle. */
#define _GNU_SOURCE
#include "cache/size_class.h"
#include "support/support.h"

START_TEST(a_class_is_the_least_that_fits)
{
    ck_assert_uint_eq(tm__class_of(1), 1);
    ck_assert_uint_eq(tm__class_of(TM__LARGEST_CLASS), TM__CLASSES - 1);
    for (unsigned class = 1; class < TM__CLASSES; class ++) {
        ck_assert_uint_eq(tm__class_of(tm__class_bytes(class)), class);
        ck_assert_uint_eq(tm__class_bytes(class) % 16, 0);
    }
    for (size_t request = 1; request <= TM__LARGEST_CLASS; request++) {
        unsigned class = tm__class_of(request);
        ck_assert_uint_ge(tm__class_bytes(class), request);
        ck_assert_uint_lt(tm__class_bytes(class - 1), request);
    }
}
END_TEST

START_TEST(little_is_wasted)
{
    for (size_t request = 1; request <= TM__LARGEST_CLASS; request++) {
        size_t waste = tm__class_bytes(tm__class_of(request)) - request;
        ck_assert_msg(waste < 16 || waste * 8 <= request, "%zu of %zu", waste, request);
    }
}
END_TEST

/* Else the rounding would take memory, and an object of the class would be too small for some block of it. */
START_TEST(tcmalloc_would_use_the_same_object)
{
    for (size_t request = 1; request <= TM__LARGEST_CLASS; request++)
        ck_assert_uint_eq(heap_bytes_for(tm__class_bytes(tm__class_of(request))), heap_bytes_for(request));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("size_class");
    TCase *tcase = add_case(suite, "size_class", 30);
    tcase_add_test(tcase, a_class_is_the_least_that_fits);
    tcase_add_test(tcase, little_is_wasted);
    tcase_add_test(tcase, tcmalloc_would_use_the_same_object);
    return run_suite(suite);
}
