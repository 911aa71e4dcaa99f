/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions of threadmeter top, without a terminal: rates, history, order, filter. */
#include "top_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static struct top_row *put(struct top_list *list, uint64_t id, uint64_t allocated, uint64_t freed)
{
    struct tm_totals now = totals(allocated, freed);
    struct top_row *row = tool_top_put(list, id, 0, &now);
    snprintf(row->name, sizeof row->name, "t%u", (unsigned)id);
    return row;
}

START_TEST(a_rate_is_what_was_allocated_between_two_readings)
{
    struct top_list list = {0};
    tool_top_begin(&list, 5 * (uint64_t)S);
    put(&list, 1, 7000, 0);
    tool_top_end(&list);
    ck_assert_uint_eq(row_of(&list, 1)->rate, TOP_UNKNOWN);

    tool_top_begin(&list, 7 * (uint64_t)S);
    put(&list, 1, 10000, 5000); /* frees do not change the rate */
    tool_top_end(&list);
    ck_assert_uint_eq(row_of(&list, 1)->rate, 1500);

    tool_top_begin(&list, 7 * (uint64_t)S + S / 2);
    put(&list, 1, 10000, 10000);
    tool_top_end(&list);
    ck_assert_uint_eq(row_of(&list, 1)->rate, 0);

    tool_top_begin(&list, 7 * (uint64_t)S + S / 2); /* no time has passed, so the rate is unknown */
    put(&list, 1, 10001, 10000);
    tool_top_end(&list);
    ck_assert_uint_eq(row_of(&list, 1)->rate, TOP_UNKNOWN);
    tool_top_free(&list);
}
END_TEST

START_TEST(a_new_row_has_a_rate_only_where_its_beginning_was_seen)
{
    for (int all_seen = 0; all_seen < 2; all_seen++) {
        struct top_list list = {.all_seen = all_seen};
        tool_top_begin(&list, S);
        put(&list, 1, 4000, 0);
        tool_top_end(&list);
        ck_assert_uint_eq(row_of(&list, 1)->rate, TOP_UNKNOWN);
        tool_top_begin(&list, 3 * (uint64_t)S);
        put(&list, 1, 4000, 0);
        put(&list, 2, 4000, 0);
        tool_top_end(&list);
        ck_assert_uint_eq(row_of(&list, 2)->rate, all_seen ? 2000 : TOP_UNKNOWN);
        tool_top_free(&list);
    }
}
END_TEST

START_TEST(one_that_has_less_than_before_is_another)
{
    struct top_list list = {.all_seen = true};
    tool_top_begin(&list, S);
    put(&list, 1, 1000000, 0);
    tool_top_end(&list);
    tool_top_begin(&list, 2 * (uint64_t)S);
    put(&list, 1, 300, 0);
    tool_top_end(&list);
    ck_assert_uint_eq(row_of(&list, 1)->rate, 300);
    tool_top_free(&list);
}
END_TEST

START_TEST(history_is_the_last_readings_in_order)
{
    struct top_list list = {0};
    for (uint64_t i = 1; i <= TOP_HISTORY + 5; i++) {
        tool_top_begin(&list, i * S);
        if (i <= 2 * TOP_HISTORY)
            put(&list, 1, 1000 + i, 1000);
        if (i > TOP_HISTORY)
            put(&list, 2, 7 * i, 0);
        tool_top_end(&list);
        const struct top_row *row = row_of(&list, 1);
        uint64_t readings = i < TOP_HISTORY ? i : TOP_HISTORY;
        ck_assert_uint_eq(row->readings, readings);
        for (uint64_t k = 0; k < readings; k++)
            ck_assert_uint_eq(row->history[k], i - readings + 1 + k);
    }
    ck_assert_uint_eq(row_of(&list, 2)->readings, 5);
    ck_assert_uint_eq(row_of(&list, 2)->history[4], 7 * (TOP_HISTORY + 5));

    /* The history of a row that was missing begins again. */
    tool_top_begin(&list, 100 * (uint64_t)S);
    tool_top_end(&list);
    ck_assert_uint_eq(list.count, 0);
    tool_top_begin(&list, 101 * (uint64_t)S);
    put(&list, 1, 1, 0);
    tool_top_end(&list);
    ck_assert_uint_eq(row_of(&list, 1)->readings, 1);
    tool_top_free(&list);
}
END_TEST

static void fill_to_sort(struct top_list *list, uint64_t time_ns)
{
    tool_top_begin(list, time_ns);
    /* id, live, blocks, peak, remote frees, all frees, allocated since the first reading */
    static const uint64_t rows[][7] = {{1, 500, 9, 900, 0, 100, 10},
                                       {2, 700, 3, 800, 50, 100, 30},
                                       {3, 100, 5, 700, 100, 100, 20},
                                       {4, 500, 5, 999, 0, 0, 0}};
    static const char *const names[] = {"delta", "Alpha", "charlie", "bravo"};
    for (size_t i = 0; i < 4; i++) {
        uint64_t since = time_ns > S ? rows[i][6] * 1000 : 0;
        struct tm_totals now = {.allocated_bytes = rows[i][1] + rows[i][5] + since,
                                .freed_bytes = rows[i][5] + since,
                                .allocated_blocks = rows[i][2],
                                .peak_bytes = rows[i][3],
                                .remote_frees_received_bytes = rows[i][4] + (rows[i][4] == rows[i][5] ? since : 0)};
        strcpy(tool_top_put(list, rows[i][0], 0, &now)->name, names[i]);
    }
    tool_top_end(list);
}

static const struct {
    enum top_key key;
    const char *order, *reversed;
} orders[] = {
    {TOP_LIVE, "2 1 4 3", "3 1 4 2"}, {TOP_PEAK, "4 1 2 3", "3 2 1 4"},   {TOP_BLOCKS, "1 3 4 2", "2 3 4 1"},
    {TOP_RATE, "2 3 1 4", "4 1 3 2"}, {TOP_OTHERS, "3 2 1 4", "1 4 2 3"}, {TOP_BY_NAME, "2 4 3 1", "1 3 4 2"},
};

START_TEST(rows_are_sorted_by_each_key_both_ways_and_ties_stay_in_order)
{
    struct top_list list = {0};
    fill_to_sort(&list, S);
    fill_to_sort(&list, 2 * (uint64_t)S);
    tool_top_sort(&list, orders[_i].key, false);
    ck_assert_str_eq(shown(&list), orders[_i].order);
    tool_top_sort(&list, orders[_i].key, true);
    ck_assert_str_eq(shown(&list), orders[_i].reversed);
    fill_to_sort(&list, 3 * (uint64_t)S); /* each reading is sorted again */
    if (orders[_i].key != TOP_RATE)
        ck_assert_str_eq(shown(&list), orders[_i].reversed);
    enum top_key key;
    ck_assert(tool_top_parse_key(tool_top_key_name(orders[_i].key), &key));
    ck_assert_int_eq(key, orders[_i].key);
    ck_assert(!tool_top_parse_key("size", &key));
    tool_top_free(&list);
}
END_TEST

START_TEST(groups_stay_together)
{
    struct top_list list = {0};
    tool_top_begin(&list, S);
    put(&list, 1, 10, 0)->group = TOP_REST;
    put(&list, 2, 90, 0)->group = TOP_LEFT;
    put(&list, 3, 20, 0)->group = TOP_CURRENT;
    put(&list, 4, 80, 0)->group = TOP_LEFT;
    put(&list, 5, 30, 0)->group = TOP_CURRENT;
    tool_top_end(&list);
    ck_assert_str_eq(shown(&list), "5 3 2 4 1");
    tool_top_sort(&list, TOP_LIVE, true);
    ck_assert_str_eq(shown(&list), "3 5 4 2 1");
    tool_top_free(&list);
}
END_TEST

START_TEST(a_filter_lets_names_pass_that_contain_it)
{
    struct top_list list = {0};
    fill_to_sort(&list, S);
    tool_top_sort(&list, TOP_BY_NAME, false);
    tool_top_filter(&list, "LPHA");
    ck_assert_str_eq(shown(&list), "2");
    tool_top_filter(&list, "a");
    ck_assert_str_eq(shown(&list), "2 4 3 1");
    tool_top_filter(&list, "r");
    ck_assert_str_eq(shown(&list), "4 3");
    fill_to_sort(&list, 2 * (uint64_t)S);
    ck_assert_str_eq(shown(&list), "4 3");
    tool_top_filter(&list, "none of them");
    ck_assert_str_eq(shown(&list), "");
    ck_assert_ptr_null(tool_top_selected(&list));
    tool_top_move(&list, 5);
    ck_assert_ptr_null(tool_top_selected(&list));
    fill_to_sort(&list, 3 * (uint64_t)S);
    tool_top_filter(&list, "");
    ck_assert_str_eq(shown(&list), "2 4 3 1");
    ck_assert_uint_eq(tool_top_selected(&list)->id, 2);
    tool_top_free(&list);
}
END_TEST

START_TEST(the_cursor_follows_its_row_but_at_the_top)
{
    struct top_list list = {0};
    tool_top_begin(&list, S);
    for (uint64_t id = 1; id <= 4; id++)
        put(&list, id, 100 - id, 0); /* 1 2 3 4 */
    tool_top_end(&list);
    ck_assert_uint_eq(tool_top_selected(&list)->id, 1);
    tool_top_begin(&list, 2 * (uint64_t)S);
    for (uint64_t id = 1; id <= 4; id++)
        put(&list, id, 100 + id, 0); /* 4 3 2 1 */
    tool_top_end(&list);
    ck_assert_uint_eq(tool_top_selected(&list)->id, 4);

    tool_top_move(&list, 2);
    ck_assert_uint_eq(tool_top_selected(&list)->id, 2);
    tool_top_sort(&list, TOP_BY_NAME, false); /* 1 2 3 4 */
    ck_assert_uint_eq(tool_top_selected(&list)->id, 2);
    ck_assert_uint_eq(list.cursor, 1);
    tool_top_move(&list, 100);
    ck_assert_uint_eq(tool_top_selected(&list)->id, 4);
    tool_top_begin(&list, 3 * (uint64_t)S); /* the selected row is missing, so the last one is selected */
    for (uint64_t id = 1; id <= 3; id++)
        put(&list, id, 1000, 0);
    tool_top_end(&list);
    ck_assert_uint_eq(tool_top_selected(&list)->id, 3);
    tool_top_move(&list, -100);
    ck_assert_uint_eq(tool_top_selected(&list)->id, 1);
    tool_top_begin(&list, 4 * (uint64_t)S);
    tool_top_end(&list);
    ck_assert_ptr_null(tool_top_selected(&list));
    tool_top_free(&list);
}
END_TEST

START_TEST(a_share_is_never_more_than_all)
{
    static const struct {
        uint64_t received, freed, share;
    } cases[] = {{0, 0, TOP_UNKNOWN},         {1, 0, TOP_UNKNOWN},    {0, 1, 0}, {1, 3, 33}, {2, 3, 67}, {3, 3, 100},
                 {INT64_MAX, INT64_MAX, 100}, {INT64_MAX - 1, 1, 100} /* only in a damaged recording */};
    struct tm_totals damaged = {.allocated_bytes = INT64_MAX};
    damaged.freed_bytes = cases[_i].freed;
    damaged.remote_frees_received_bytes = cases[_i].received;
    ck_assert_uint_eq(tool_top_share(&damaged), cases[_i].share);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_rate_is_what_was_allocated_between_two_readings);
    tcase_add_test(tcase, a_new_row_has_a_rate_only_where_its_beginning_was_seen);
    tcase_add_test(tcase, one_that_has_less_than_before_is_another);
    tcase_add_test(tcase, history_is_the_last_readings_in_order);
    tcase_add_loop_test(tcase, rows_are_sorted_by_each_key_both_ways_and_ties_stay_in_order, 0, TOP_KEYS);
    tcase_add_test(tcase, groups_stay_together);
    tcase_add_test(tcase, a_filter_lets_names_pass_that_contain_it);
    tcase_add_loop_test(tcase, a_share_is_never_more_than_all, 0, 8);
    tcase_add_test(tcase, the_cursor_follows_its_row_but_at_the_top);
}

int main(void)
{
    return run_tests("top", add_tests);
}
