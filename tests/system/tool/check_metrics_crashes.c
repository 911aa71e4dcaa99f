/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/export/metrics.c counts crashes: each once, and only after a scrape has seen the counter, so that it is seen to
 * grow. A process that may be alive is not counted.
 */
#include "support/support.h"
#include "model.h"
#include "samples.h"

static const char crashes_of_p[] = "threadmeter_process_crashes_total{program=\"p\"}";
static const char crashes_of_others[] = "threadmeter_process_crashes_total{program=\"other\"}";
static const char crashed_of_p[] = "threadmeter_crashed_processes{program=\"p\"}";

static struct tool_metrics *metrics;
static struct tool_moment moment;
static struct samples last;

static void advance(uint64_t seconds)
{
    moment.monotonic_ns += seconds * 1000000000;
    moment.real_ns += seconds * 1000000000;
}

static void begin(void)
{
    moment = (struct tool_moment){.monotonic_ns = 5000000000, .real_ns = UINT64_C(1600000000000000000)};
    metrics = tool_metrics_new(20, 20, false, moment);
    last = (struct samples){0};
}

/* A scrape, 15 seconds after the last one. No counter may go back. */
static const struct samples *scrape(const struct model *models, size_t count)
{
    advance(15);
    tool_metrics_begin(metrics, moment);
    for (size_t i = 0; i < count; i++)
        model_export(&models[i], metrics);
    tool_metrics_end(metrics);
    struct samples samples = samples_of(metrics);
    expect_no_step_back(&last, &samples);
    samples_free(&last);
    last = samples;
    return &last;
}

static void end(void)
{
    samples_free(&last);
    tool_metrics_free(metrics);
}

static void start(struct model *model, const char *program)
{
    model_init(model, program);
    model->started_ns += moment.real_ns;
    model_allocate(model, model_thread(model, 0, 0, "main"), 100);
}

START_TEST(the_first_crash_and_one_after_a_prune_are_seen_to_come)
{
    struct model models[2];
    begin();
    start(&models[0], "p");
    start(&models[1], "p");
    expect_value(scrape(models, 2), crashes_of_p, 0);
    models[0].ended = true;
    for (int i = 0; i < 3; i++)
        expect_value(scrape(models, 2), crashes_of_p, 1);
    for (int i = 0; i < 50; i++) /* its file is removed */
        expect_value(scrape(&models[1], 1), crashes_of_p, 1);
    expect_value(&last, crashed_of_p, 0);
    models[1].ended = true;
    expect_value(scrape(&models[1], 1), crashes_of_p, 2);
    expect_value(&last, crashed_of_p, 1);
    for (int i = 0; i < 50; i++) /* the program has no process any more */
        expect_value(scrape(NULL, 0), crashes_of_p, 2);
    end();
}
END_TEST

START_TEST(what_may_run_and_what_ended_did_not_crash)
{
    struct model model;
    begin();
    start(&model, "p");
    model.unknown = true;
    for (int i = 0; i < 3; i++) {
        expect_value(scrape(&model, 1), crashes_of_p, 0);
        expect_value(&last, crashed_of_p, 0);
        expect_value(&last, "threadmeter_processes{program=\"p\"}", 0);
        expect_value(&last, "threadmeter_unknown_processes{program=\"p\"}", 1);
        expect_value(&last, "threadmeter_process_live_bytes{program=\"p\"}", 100);
        expect_value(&last, "threadmeter_live_bytes{program=\"p\",thread=\"main\",tag=\"(none)\"}", 100);
    }
    struct tm_reading reading = *model_read(&model);
    struct tool_view view = {.inode = model.inode, .reading = &reading};
    reading.unknown = false;
    reading.ended = true;
    tool_metrics_begin(metrics, moment);
    tool_metrics_add(metrics, &view);
    tool_metrics_end(metrics);
    struct samples samples = samples_of(metrics);
    expect_value(&samples, crashes_of_p, 0);
    expect_value(&samples, crashed_of_p, 0);
    expect_value(&samples, "threadmeter_unknown_processes{program=\"p\"}", 0);
    samples_free(&samples);
    model.unknown = false; /* now it is known */
    model.ended = true;
    expect_value(scrape(&model, 1), crashes_of_p, 1);
    end();
}
END_TEST

START_TEST(a_process_that_starts_and_crashes_between_scrapes_counts)
{
    struct model models[3];
    begin();
    start(&models[0], "p");
    expect_value(scrape(models, 1), crashes_of_others, 0);
    start(&models[1], "p"); /* this program has series already */
    models[1].ended = true;
    expect_value(scrape(models, 2), crashes_of_p, 1);
    expect_value(&last, crashes_of_others, 0);
    start(&models[2], "q");
    models[2].ended = true;
    expect_value(scrape(models, 3), crashes_of_p, 1);
    expect_value(&last, crashes_of_others, 1);
    ck_assert_uint_eq(samples_count(&last, "threadmeter_processes", "\"q\""), 0);
    /* One process crashes and another one lives: but no scrape has seen the new program's counter at 0. */
    struct model late[3];
    start(&late[0], "r");
    start(&late[1], "r");
    start(&late[2], "r");
    late[0].ended = late[2].ended = true;
    expect_value(scrape(late, 3), "threadmeter_process_crashes_total{program=\"r\"}", 0);
    expect_value(&last, crashes_of_others, 3);
    end();
}
END_TEST

START_TEST(what_lay_there_dead_is_no_new_crash)
{
    struct model old, seen;
    begin();
    start(&old, "p");
    start(&seen, "p");
    old.ended = seen.ended = true;
    advance(1000); /* the exporter starts only now */
    tool_metrics_free(metrics);
    metrics = tool_metrics_new(20, 20, false, moment);
    expect_value(scrape(&seen, 1), crashes_of_others, 0);
    expect_value(&last, "threadmeter_crashed_processes{program=\"other\"}", 1);
    for (int i = 0; i < 5; i++)
        scrape(NULL, 0);
    struct model back[2] = {old, seen}; /* as after a time in which the directory could not be read */
    expect_value(scrape(back, 2), crashes_of_others, 0);
    for (int i = 0; i < 50; i++)
        scrape(NULL, 0);
    expect_value(scrape(back, 2), crashes_of_others, 0);
    end();
}
END_TEST

START_TEST(a_clock_that_is_set_hides_no_crash_and_makes_none)
{
    static const int64_t steps[] = {3600, -3600, 86400, -86400};
    struct model old, models[8];
    begin();
    start(&old, "old");
    old.ended = true;
    advance(1000);
    tool_metrics_free(metrics);
    metrics = tool_metrics_new(20, 20, false, moment);
    scrape(&old, 1);
    for (size_t i = 0; i < 8; i += 2) {
        start(&models[i], "before");
        moment.real_ns += (uint64_t)steps[i / 2] * 1000000000;
        start(&models[i + 1], "after");
        models[i].ended = models[i + 1].ended = true;
        expect_value(scrape(models, i + 2), crashes_of_others, (double)(i + 2));
        expect_value(scrape(models, i + 2), crashes_of_others, (double)(i + 2));
    }
    end();
}
END_TEST

/* As if the directory could not be read for a long time, or no search of it ended in time. */
START_TEST(a_process_that_comes_back_later_counts_on)
{
    static const char allocated[] = "threadmeter_process_allocated_bytes_total{program=\"p\"}";
    struct model models[2];
    begin();
    start(&models[0], "p");
    expect_value(scrape(models, 1), allocated, 100);
    for (int i = 0; i < 50; i++)
        scrape(NULL, 0);
    start(&models[1], "p"); /* a new process counts from its start */
    expect_value(scrape(models, 2), allocated, 200);
    model_allocate(&models[0], 2, 7);
    expect_value(scrape(models, 2), allocated, 207);
    expect_value(&last, "threadmeter_allocated_bytes_total{program=\"p\",thread=\"main\",tag=\"(none)\"}", 207);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics_crashes");
    TCase *tcase = tcase_create("crashes");
    tcase_add_test(tcase, the_first_crash_and_one_after_a_prune_are_seen_to_come);
    tcase_add_test(tcase, what_may_run_and_what_ended_did_not_crash);
    tcase_add_test(tcase, a_process_that_starts_and_crashes_between_scrapes_counts);
    tcase_add_test(tcase, what_lay_there_dead_is_no_new_crash);
    tcase_add_test(tcase, a_clock_that_is_set_hides_no_crash_and_makes_none);
    tcase_add_test(tcase, a_process_that_comes_back_later_counts_on);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
