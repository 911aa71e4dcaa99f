/* SPDX-License-Identifier: BSD-3-Clause */
/* threadmeter top without a terminal: the columns that fit, what is in them, and what is said above them. */
#include "top_rows.h"
#include "common/printable.h"
#include "top/top_columns.h"
#include "top/top_headline.h"
#include "top/top_text.h"
#include "top/top_watch.h"

#include <stdlib.h>
#include <string.h>

START_TEST(columns_fit_into_any_width)
{
    struct top_watch watch = {0};
    tool_top_watch(&watch, NULL);
    tool_top_fill(&watch, make_reading(), S);
    struct top_scale scale = {tool_top_largest(&watch.threads), false};
    for (int view = TOP_PROCESSES; view <= TOP_MATRIX; view++)
        for (int width = 1; width <= 400; width++) {
            struct top_layout layout;
            tool_top_lay_out(&layout, (enum top_view)view, width, &watch.tags, true);
            int end = 0;
            for (int i = 0; i < layout.count; i++) {
                const struct top_column *column = &layout.columns[i];
                ck_assert_int_ge(column->at, end);
                end = column->at + column->width;
                ck_assert_int_le(end, width);
                end++;
                for (size_t k = 0; k < watch.threads.count; k++) {
                    char text[TOP_CELL];
                    tool_top_text(text, &layout, column, &watch.threads.rows[k], &watch, &scale);
                    ck_assert_uint_eq(mbstowcs(NULL, text, 0), column->width);
                }
            }
            ck_assert(width < 15 || layout.count > 0);
        }
    tool_top_watch(&watch, NULL);
}
END_TEST

static bool has_of(enum top_view view, int width, enum top_field field, bool users)
{
    struct top_layout layout;
    struct top_list none = {0};
    tool_top_lay_out(&layout, view, width, &none, users);
    for (int i = 0; i < layout.count; i++)
        if (layout.columns[i].field == field)
            return true;
    return false;
}

static bool has(enum top_view view, int width, enum top_field field)
{
    return has_of(view, width, field, false);
}

START_TEST(eighty_columns_have_what_matters_and_wider_ones_more)
{
    const enum top_field always[] = {TOP_NAME_FIELD,
                                     TOP_TID_FIELD,
                                     tool_top_figure_field("live_bytes"),
                                     tool_top_figure_field("peak_bytes"),
                                     tool_top_figure_field("live_blocks"),
                                     tool_top_figure_field("allocated_bytes_per_second"),
                                     tool_top_figure_field("remote_percent"),
                                     TOP_BAR_FIELD,
                                     TOP_HISTORY_FIELD};
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        ck_assert(has(TOP_THREADS, 80, always[i]));
        ck_assert(has(TOP_THREADS, 200, always[i]));
    }
    ck_assert(has(TOP_PROCESSES, 80, TOP_RESIDENT_FIELD));
    ck_assert(!has(TOP_PROCESSES, 200, TOP_UID_FIELD));
    ck_assert(has_of(TOP_PROCESSES, 40, TOP_UID_FIELD, true));
    ck_assert(!has_of(TOP_THREADS, 200, TOP_UID_FIELD, true));
    ck_assert(!has(TOP_THREADS, 80, tool_top_figure_field("allocated_bytes")));
    ck_assert(has(TOP_THREADS, 120, tool_top_figure_field("allocated_bytes")));
    ck_assert(has(TOP_THREADS, 30, tool_top_figure_field("live_bytes")));
    ck_assert(!has(TOP_THREADS, 30, tool_top_figure_field("live_blocks")));
}
END_TEST

START_TEST(the_matrix_adds_up_to_what_is_live)
{
    struct top_watch watch = {0};
    struct top_scale scale = {0};
    tool_top_watch(&watch, NULL);
    tool_top_fill(&watch, make_reading(), S);
    static const struct {
        int width;
        const char *cells; /* of thread 1, after its live bytes */
    } layouts[] = {
        {80, "1.17 KiB 0 B 800 B"}, {67, "1.17 KiB 0 B 800 B"}, {66, "800 B 1.17 KiB"}, {57, "800 B 1.17 KiB"}};
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        struct top_layout layout;
        char all[256] = "", text[TOP_CELL];
        tool_top_lay_out(&layout, TOP_MATRIX, layouts[i].width, &watch.tags, true);
        for (int k = 3; k < layout.count; k++) {
            tool_top_text(text, &layout, &layout.columns[k], row_of(&watch.threads, 1), &watch, &scale);
            strcat(all, *all ? " " : "");
            strcat(all, text + strspn(text, " "));
        }
        ck_assert_str_eq(all, layouts[i].cells);
    }
    tool_top_watch(&watch, NULL);
}
END_TEST

START_TEST(names_are_cut_off_between_characters)
{
    struct top_row row = {.name = "gr\u00fc\u00dfe-\u00fcberall"};
    struct top_scale scale = {0};
    char text[TOP_CELL];
    tool_top_text(text, NULL, &(struct top_column){.field = TOP_NAME_FIELD, .width = 4}, &row, NULL, &scale);
    ck_assert_str_eq(text, "gr\u00fc\u00df");
    tool_top_text(text, NULL, &(struct top_column){.field = TOP_NAME_FIELD, .width = 16}, &row, NULL, &scale);
    ck_assert_str_eq(text, "gr\u00fc\u00dfe-\u00fcberall   ");
    strcpy(row.name, "\u65e5e\u0301\u672c"); /* of two columns, of one with a mark above it, of two */
    tool_top_text(text, NULL, &(struct top_column){.field = TOP_NAME_FIELD, .width = 4}, &row, NULL, &scale);
    ck_assert_str_eq(text, "\u65e5e\u0301 ");
    tool_top_text(text, NULL, &(struct top_column){.field = TOP_NAME_FIELD, .width = 6}, &row, NULL, &scale);
    ck_assert_str_eq(text, "\u65e5e\u0301\u672c ");
    ck_assert_str_eq(tool_fit(text, "", 12), "(unnamed)   ");
    ck_assert_str_eq(tool_fit(text, "\u65e5e\u0301\u672c", -6), " \u65e5e\u0301\u672c");
    ck_assert_str_eq(tool_fit(text, "\u65e5e\u0301\u672c", -4), " \u65e5e\u0301");
}
END_TEST

START_TEST(bars_show_live_within_peak)
{
    static const struct {
        uint64_t live, peak, largest;
        const char *bar, *ascii;
    } bars[] = {
        {0, 0, 0, "        ", "        "},
        {8, 8, 8, "████████", "########"},
        {4, 6, 8, "████░░  ", "####--  "},
        {0, 8, 8, "░░░░░░░░", "--------"},
        {36, 36, 64, "████▌   ", "#####   "},
        {1, 8, 64, "▏       ", "-       "},
        {UINT64_MAX / 2, UINT64_MAX / 2, UINT64_MAX / 2, "████████", "########"},
    };
    for (size_t i = 0; i < sizeof bars / sizeof bars[0]; i++) {
        char text[TOP_CELL];
        struct top_scale scale = {bars[i].largest, false};
        ck_assert_str_eq(tool_top_bar(text, 8, bars[i].live, bars[i].peak, &scale), bars[i].bar);
        scale.ascii = true;
        ck_assert_str_eq(tool_top_bar(text, 8, bars[i].live, bars[i].peak, &scale), bars[i].ascii);
    }
}
END_TEST

START_TEST(a_sparkline_has_the_newest_reading_on_the_right)
{
    struct top_row row = {.readings = 4, .history = {0, 1, 500, 1000}};
    char text[TOP_CELL];
    ck_assert_str_eq(tool_top_sparkline(text, 6, &row, false), "   ▁▄█");
    ck_assert_str_eq(tool_top_sparkline(text, 3, &row, true), ".=#");
    row.history[3] = 0;
    row.history[2] = 0;
    ck_assert_str_eq(tool_top_sparkline(text, 2, &row, false), "  ");
}
END_TEST

START_TEST(counts_stay_within_seven_columns)
{
    static const struct {
        uint64_t count;
        const char *text, *grouped;
    } counts[] = {{0, "0", "0"},
                  {999, "999", "999"},
                  {1000, "1000", "1,000"},
                  {9999999, "9999999", "9,999,999"},
                  {10000000, "10.0M", "10,000,000"},
                  {999499999, "999M", "999,499,999"},
                  {999999999, "1.0G", "999,999,999"},
                  {UINT64_MAX, "18.4E", "18,446,744,073,709,551,615"}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char text[32];
        ck_assert_str_eq(tool_top_count(text, counts[i].count), counts[i].text);
        ck_assert_str_eq(tool_top_grouped(text, counts[i].count), counts[i].grouped);
    }
}
END_TEST

START_TEST(resident_memory_is_explained_in_full)
{
    struct tm_totals now = {.allocated_bytes = 33 << 20, .allocated_blocks = 78000};
    struct top_headline headline = {0};
    tool_top_explain(&headline, &now, 48 << 20, 200);
    ck_assert_int_eq(headline.count, 1);
    ck_assert_str_eq(headline.lines[0], "resident 48.0 MiB = 33.0 MiB live + 1.19 MiB headers (16 bytes x 78,000) + "
                                        "13.8 MiB rounding, caches, code, stacks");
    headline.count = 0;
    tool_top_explain(&headline, &now, 48 << 20, 80);
    ck_assert_int_eq(headline.count, 2);
    ck_assert_str_eq(headline.lines[1], "  + 13.8 MiB rounding, caches, code, stacks");
    headline.count = 0;
    tool_top_explain(&headline, &now, 4 << 20, 80); /* reserved, never touched */
    ck_assert_str_eq(headline.lines[0], "resident 4.00 MiB: less than what is live with its headers, by 30.2 MiB,");
    for (int width = 1; width < 100; width++) { /* however narrow */
        headline.count = 0;
        tool_top_explain(&headline, &now, 48 << 20, width);
        ck_assert_int_le(headline.count, TOP_LINES);
    }
}
END_TEST

START_TEST(the_headline_tells_how_a_process_stands)
{
    struct top_watch watch = {0};
    struct top_headline headline;
    struct tm_reading *reading = make_reading();
    tool_top_watch(&watch, NULL);
    tool_top_headline(&headline, &watch, 80); /* not read yet */
    ck_assert_int_eq(headline.count, 1);
    reading->live = true;
    tool_top_fill(&watch, reading, S);
    reading->process.allocated_bytes += 2048;
    reading->process.freed_bytes += 2048;
    reading->process.remote_frees_received_bytes = 1112;
    tool_top_fill(&watch, reading, 2 * (uint64_t)S);
    watch.resident_bytes = 1 << 20;
    tool_top_headline(&headline, &watch, 100);
    ck_assert_str_eq(headline.lines[0], "made?up, pid 4242, running 1:02:03");
    ck_assert_str_eq(headline.lines[1],
                     "live 2.54 KiB in 260 blocks, 2 threads, 1 orphan; allocates 2.00 KiB/s; 25% freed by others");
    ck_assert_str_eq(headline.lines[2], "resident 1.00 MiB = 2.54 KiB live + 4.06 KiB headers (16 bytes x 260)");

    reading->live = false;
    reading->unknown = true;
    tool_top_fill(&watch, reading, 3 * (uint64_t)S);
    tool_top_headline(&headline, &watch, 100);
    ck_assert_str_eq(headline.lines[0], "made?up, pid 4242, which cannot be seen from here: it may run");
    ck_assert_str_eq(headline.lines[1],
                     "live 2.54 KiB in 260 blocks, 2 threads, 1 orphan; allocates 0 B/s; 25% freed by others");
    ck_assert_int_eq(headline.count, 2);
    reading->unknown = false;
    tool_top_fill(&watch, reading, 4 * (uint64_t)S);
    tool_top_headline(&headline, &watch, 100);
    ck_assert_str_eq(headline.lines[0], "made?up, pid 4242: CRASHED; its last state");
    reading->ended = true;
    tool_top_fill(&watch, reading, 5 * (uint64_t)S);
    tool_top_headline(&headline, &watch, 100);
    ck_assert_str_eq(headline.lines[0], "made?up, pid 4242: ENDED; its last state");
    ck_assert_str_eq(headline.lines[1], "live 2.54 KiB in 260 blocks, 2 threads, 1 orphan; 25% freed by others");
    watch.cross_allocator_calls = (struct tm_cross_allocator_calls){.foreign_frees = 1, .errors_reported = 2};
    tool_top_headline(&headline, &watch, 200);
    ck_assert_ptr_nonnull(strstr(headline.lines[1], "; 25% freed by others; 1 foreign frees; 2 errors reported"));
    ck_assert_int_eq(headline.count, 2);
    tool_top_watch(&watch, NULL);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, columns_fit_into_any_width);
    tcase_add_test(tcase, eighty_columns_have_what_matters_and_wider_ones_more);
    tcase_add_test(tcase, the_matrix_adds_up_to_what_is_live);
    tcase_add_test(tcase, names_are_cut_off_between_characters);
    tcase_add_test(tcase, bars_show_live_within_peak);
    tcase_add_test(tcase, a_sparkline_has_the_newest_reading_on_the_right);
    tcase_add_test(tcase, counts_stay_within_seven_columns);
    tcase_add_test(tcase, resident_memory_is_explained_in_full);
    tcase_add_test(tcase, the_headline_tells_how_a_process_stands);
}

int main(void)
{
    return run_tests("top_text", add_tests);
}
