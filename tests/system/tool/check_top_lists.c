/* SPDX-License-Identifier: BSD-3-Clause */
/* threadmeter top without a terminal: what readings become, of one process and of all, and what keys change. */
#include "top_rows.h"
#include "support/small_file.h"
#include "top/top_headline.h"
#include "top/top_keys.h"
#include "top/top_processes.h"
#include "top/top_text.h"
#include "top/top_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef TM_CURSES
#include <curses.h>
#endif

START_TEST(a_reading_becomes_rows)
{
    struct top_watch watch = {0};
    tool_top_watch(&watch, NULL);
    tool_top_fill(&watch, make_reading(), S);
    ck_assert_uint_eq(watch.thread_count, 2);
    ck_assert_uint_eq(watch.orphan_count, 1);
    ck_assert_str_eq(watch.program, "made?up");
    ck_assert_str_eq(shown(&watch.threads), "1 2 3 0 0"); /* late, and what is gone; nothing overflowed */
    ck_assert_str_eq(row_of(&watch.threads, 2)->name, "t?[2Jwo");
    ck_assert_str_eq(row_of(&watch.threads, 0)->name, "(shared) late");
    ck_assert_int_eq(row_of(&watch.threads, 3)->group, TOP_LEFT);
    ck_assert_str_eq(shown(&watch.tags), "7 8");
    ck_assert_int_eq(row_of(&watch.tags, 8)->group, TOP_LEFT);
    ck_assert_uint_eq(row_of(&watch.tags, 8)->limit_bytes, 4096);
    ck_assert_uint_eq(tool_top_cell(&watch, 1, 7), 1200);
    ck_assert_uint_eq(tool_top_cell(&watch, 1, 0), 800);
    ck_assert_uint_eq(tool_top_cell(&watch, 1, 8), 0);
    ck_assert_uint_eq(tool_top_cell(&watch, 3, 8), 60);

    /* Thread 1 exits, one under its tid and in its slots begins, and what was retired grows by an old thread's. */
    struct tm_reading *next = make_reading();
    struct tm_thread_reading *threads = (struct tm_thread_reading *)next->threads;
    threads[0].state = TM_ORPHAN;
    threads[1] = (struct tm_thread_reading){.thread = 4, .tid = 11, .name = "one", .totals = totals(600, 0)};
    next->retired = totals(1890, 1890);
    next->process = totals(6100, 2900);
    tool_top_fill(&watch, next, 3 * (uint64_t)S);
    ck_assert_uint_eq(row_of(&watch.threads, 1)->readings, 2);
    ck_assert_uint_eq(row_of(&watch.threads, 1)->rate, 0);
    ck_assert_uint_eq(row_of(&watch.threads, 4)->readings, 1);
    ck_assert_uint_eq(row_of(&watch.threads, 4)->rate, 300);
    ck_assert_uint_eq(watch.total.rate, 550);
    for (size_t i = 0; i < watch.threads.count; i++)
        if (watch.threads.rows[i].peak_is_bound)
            ck_assert_uint_eq(watch.threads.rows[i].rate, TOP_UNKNOWN);

    /* The number of a tag that is gone, used again. */
    next = make_reading();
    strcpy(((struct tm_tag_reading *)next->tags)[0].name, "download");
    tool_top_fill(&watch, next, 4 * (uint64_t)S);
    ck_assert_uint_eq(row_of(&watch.tags, 7)->readings, 1);
    ck_assert_uint_eq(row_of(&watch.tags, 7)->rate, TOP_UNKNOWN);
    ck_assert_uint_eq(row_of(&watch.tags, 8)->readings, 3);

    /* The overflow slot, and threads that are gone, may have done nothing but free. */
    next = make_reading();
    ((struct tm_thread_reading *)next->threads)[4].totals.remote_frees_made_bytes = 96;
    next->retired = (struct tm_totals){.remote_frees_made_bytes = 97};
    tool_top_fill(&watch, next, 5 * (uint64_t)S);
    ck_assert_str_eq(shown(&watch.threads), "1 2 3 0 0 0");
    tool_top_watch(&watch, NULL);
}
END_TEST

/* Over all tags, with the highest peak of one thread; what has no name has only a row of its own beside one that has. */
START_TEST(exited_threads_are_rows_by_name)
{
    static const struct tm_retired rows[] = {
        {.name = "parse", .accounts = 2, .thread_peak_bytes = 600, .totals = {1000, 2, 1000, 2, 0, 0, 0, 500}},
        {.name = "parse",
         .tag = "upload",
         .accounts = 1,
         .thread_peak_bytes = 550,
         .totals = {90, 1, 90, 1, 0, 0, 0, 90}},
        {.name = "index", .accounts = 1, .thread_peak_bytes = 300, .totals = {300, 1, 300, 1, 0, 0, 0, 300}},
        {.name = "idle", .accounts = 1}};
    static const struct tm_retired unknown = {.name = "(unknown)", .totals = {1390, 139, 1390, 139, 0, 0, 0, 0}};
    struct top_watch watch = {0};
    struct tm_reading *reading = make_reading();
    tool_top_watch(&watch, NULL);
    reading->retired_rows = rows;
    reading->retired_row_count = 4;
    tool_top_fill(&watch, reading, S);
    uint64_t allocated = 0;
    unsigned found = 0;
    for (size_t i = 0; i < watch.threads.count; i++) {
        const struct top_row *row = &watch.threads.rows[i];
        if (strncmp(row->name, "(exited)", 8) != 0)
            continue;
        found++;
        allocated += row->totals.allocated_bytes;
        ck_assert_int_eq(row->group, TOP_REST);
        ck_assert(!row->peak_is_bound);
        ck_assert_uint_eq(row->rate, TOP_UNKNOWN);
        ck_assert_uint_eq(row->totals.peak_bytes, strcmp(row->name, "(exited) parse") == 0 ? 600 : 300);
    }
    ck_assert_uint_eq(found, 2);
    ck_assert_uint_eq(allocated, 1390);

    reading->retired_rows = &unknown;
    reading->retired_row_count = 1;
    tool_top_fill(&watch, reading, 2 * (uint64_t)S);
    ck_assert_str_eq(shown(&watch.threads), "1 2 3 0 0");
    tool_top_watch(&watch, NULL);
}
END_TEST

START_TEST(processes_are_rows_and_a_sum)
{
    struct top_processes processes = {0};
    struct top_headline headline;
    struct tm_reading *reading = make_reading();
    tool_top_processes_headline(&headline, &processes, 100);
    ck_assert_ptr_nonnull(strstr(headline.lines[0], "no process publishes"));
    for (int time = 1; time <= 2; time++) {
        tool_top_begin_processes(&processes, (uint64_t)time * S);
        for (int i = 0; i < 3; i++) {
            reading = make_reading();
            reading->live = i < 2;
            reading->pid = i == 0 ? 4242 : 4000; /* twice the same pid, of two times */
            reading->started_ns = (uint64_t)i;
            reading->process.allocated_bytes += (uint64_t)(512 * time * i);
            tool_top_add_process(&processes, reading, i == 0 ? "/a" : i == 1 ? "/b" : "/c");
        }
        tool_top_end(&processes.list);
    }
    ck_assert_str_eq(shown(&processes.list), "4000 4242 4000");
    ck_assert_str_eq(tool_top_path(&processes, tool_top_selected(&processes.list)), "/b");
    ck_assert_int_eq(processes.list.rows[processes.list.shown[2]].group, TOP_LEFT);
    ck_assert_uint_eq(tool_top_selected(&processes.list)->threads, 2);
    ck_assert_uint_eq(tool_top_selected(&processes.list)->rate, 512);
    tool_top_processes_headline(&headline, &processes, 100);
    ck_assert_str_eq(headline.lines[0], "2 processes, 4 threads");
    ck_assert_ptr_nonnull(strstr(headline.lines[1], "; allocates 512 B/s"));

    char heading[128];
    tool_top_begin_processes(&processes, 3 * (uint64_t)S);
    for (int i = 0; i < 4; i++) {
        static const char *const states[] = {"crashed", "ended", "unknown", "live"};
        reading = make_reading();
        reading->pid = i;
        reading->ended = i == 1;
        reading->unknown = i == 2;
        reading->live = i == 3;
        tool_top_add_process(&processes, reading, "/a");
        ck_assert_str_eq(row_of(&processes.list, (uint64_t)i)->state, states[i]);
    }
    tool_top_end(&processes.list);
    ck_assert_str_eq(shown(&processes.list), "3 2 0 1"); /* what may run is above what does not */
    ck_assert_str_eq(tool_top_heading(heading, sizeof heading, TOP_PROCESSES, TOP_UNSEEN, 1, 1024),
                     "1 process that cannot be seen from here; 1.00 KiB live");
    tool_top_free_processes(&processes);
}
END_TEST

START_TEST(sums_over_processes_do_not_wrap)
{
    struct top_processes processes = {0};
    struct top_headline headline;
    tool_top_begin_processes(&processes, S);
    for (int i = 0; i < 5; i++) {
        struct tm_reading *reading = make_reading();
        reading->live = true;
        reading->pid = i + 1;
        reading->process = (struct tm_totals){.allocated_bytes = UINT64_C(1) << 62};
        tool_top_add_process(&processes, reading, "/a");
    }
    tool_top_end(&processes.list);
    tool_top_processes_headline(&headline, &processes, 100);
    ck_assert_ptr_nonnull(strstr(headline.lines[1], "live 16.0 EiB"));
    tool_top_free_processes(&processes);
}
END_TEST

/* The owner of the directory may have put another file there since the list was made. */
START_TEST(a_path_that_has_become_another_users)
{
    char path[] = "/tmp/check_top_lists.XXXXXX", message[TM_READER_MESSAGE] = "";
    struct tm__head head = small_head();
    head.slots_used = TM__SHARED_SLOTS;
    int file = mkstemp(path);
    ck_assert_int_eq(ftruncate(file, SIZE), 0);
    ck_assert_int_eq(pwrite(file, &head, sizeof head, 0), sizeof head);
    for (uid_t other = 0; other < 2; other++) {
        struct top_processes processes = {0};
        struct tm_reader *reader = NULL;
        struct tm_reading *reading = make_reading();
        reading->uid = geteuid() + other;
        tool_top_begin_processes(&processes, S);
        tool_top_add_process(&processes, reading, path);
        tool_top_end(&processes.list);
        int error = tool_top_open(&processes, processes.list.rows, &reader, message);
        ck_assert_int_eq(error, other ? -EACCES : 0);
        ck_assert((reader == NULL) == (other != 0));
        ck_assert((strstr(message, "now belongs to another user") != NULL) == (other != 0));
        tm_reader_close(reader);
        tool_top_free_processes(&processes);
    }
    close(file);
    unlink(path);
}
END_TEST

#ifdef TM_CURSES
START_TEST(keys_change_what_is_shown)
{
    struct top top = {.view = TOP_THREADS, .has_list = true, .opened = true, .interval_ns = S, .page = 3};
    tool_top_watch(&top.watch, NULL);
    tool_top_fill(&top.watch, make_reading(), S);
    tool_top_press(&top, 'p');
    ck_assert_int_eq(top.watch.threads.key, TOP_PEAK);
    ck_assert_int_eq(top.watch.tags.key, TOP_PEAK);
    ck_assert(!top.watch.threads.reversed);
    tool_top_press(&top, 'p');
    ck_assert(top.watch.threads.reversed);
    tool_top_press(&top, 'n');
    ck_assert(!top.watch.threads.reversed);

    tool_top_press(&top, '/');
    for (const char *text = "thxq\303\274"; *text; text++) /* keys that do something else elsewhere */
        tool_top_press(&top, (unsigned char)*text);
    ck_assert_str_eq(top.watch.threads.filter, "thxq\303\274");
    for (int i = 0; i < 3; i++)
        tool_top_press(&top, KEY_BACKSPACE);
    ck_assert_str_eq(top.watch.threads.filter, "th");
    tool_top_press(&top, '\n');
    ck_assert(!top.filtering);
    ck_assert_str_eq(shown(&top.watch.threads), "3");
    tool_top_press(&top, 27);
    ck_assert_str_eq(top.watch.threads.filter, "");
    ck_assert_int_eq(top.view, TOP_THREADS);
    tool_top_press(&top, '/');
    for (int i = 0; i < 100; i++)
        tool_top_press(&top, 'x');
    ck_assert_uint_eq(strlen(top.watch.threads.filter), TOP_FILTER - 1);
    tool_top_press(&top, 27);
    ck_assert_str_eq(top.watch.threads.filter, "");

    tool_top_press(&top, 'j');
    tool_top_press(&top, KEY_DOWN);
    tool_top_press(&top, 'k');
    ck_assert_uint_eq(top.watch.threads.cursor, 1);
    tool_top_press(&top, KEY_NPAGE);
    ck_assert_uint_eq(top.watch.threads.cursor, 4);
    tool_top_press(&top, KEY_HOME);
    ck_assert_uint_eq(top.watch.threads.cursor, 0);

    tool_top_press(&top, 't');
    ck_assert_int_eq(top.view, TOP_TAGS);
    tool_top_press(&top, 't');
    ck_assert_int_eq(top.view, TOP_MATRIX);
    tool_top_press(&top, 't');
    ck_assert_int_eq(top.view, TOP_THREADS);

    tool_top_press(&top, '+');
    ck_assert_uint_eq(top.interval_ns, 2 * (uint64_t)S);
    for (int i = 0; i < 20; i++)
        tool_top_press(&top, '-');
    ck_assert_uint_eq(top.interval_ns, S / 10);
    tool_top_press(&top, ' ');
    ck_assert(top.paused && !top.due);
    tool_top_press(&top, ' ');
    ck_assert(!top.paused && top.due);

    tool_top_press(&top, '?');
    ck_assert(top.help);
    tool_top_press(&top, 'q'); /* ends the help only */
    ck_assert(!top.help && !top.quit && top.view == TOP_THREADS);
    tool_top_press(&top, 'q');
    ck_assert(top.view == TOP_PROCESSES && !top.quit);
    ck_assert_uint_eq(top.watch.threads.count, 0);
    tool_top_press(&top, 't');
    tool_top_press(&top, 27);
    tool_top_press(&top, '\n'); /* nothing to open */
    ck_assert_int_eq(top.view, TOP_PROCESSES);
    tool_top_press(&top, 'q');
    ck_assert(top.quit);
    tool_top_watch(&top.watch, NULL);
}
END_TEST

START_TEST(one_process_that_was_named_has_no_list_to_go_back_to)
{
    struct top top = {.view = TOP_THREADS};
    tool_top_watch(&top.watch, NULL);
    tool_top_press(&top, KEY_BACKSPACE);
    tool_top_press(&top, 27);
    ck_assert_int_eq(top.view, TOP_THREADS);
    tool_top_press(&top, 't');
    ck_assert_str_eq(top.notice, "this program uses no tags");
    tool_top_press(&top, 'j');
    ck_assert_str_eq(top.notice, "");
    tool_top_press(&top, 'q');
    ck_assert(top.quit);
    tool_top_watch(&top.watch, NULL);
}
END_TEST
#endif

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_reading_becomes_rows);
    tcase_add_test(tcase, exited_threads_are_rows_by_name);
    tcase_add_test(tcase, processes_are_rows_and_a_sum);
    tcase_add_test(tcase, sums_over_processes_do_not_wrap);
    tcase_add_test(tcase, a_path_that_has_become_another_users);
#ifdef TM_CURSES
    tcase_add_test(tcase, keys_change_what_is_shown);
    tcase_add_test(tcase, one_process_that_was_named_has_no_list_to_go_back_to);
#endif
}

int main(void)
{
    return run_tests("top_lists", add_tests);
}
