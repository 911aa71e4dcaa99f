/* SPDX-License-Identifier: BSD-3-Clause */
/* tools/export/metrics.c counts crashes: each once, and so that the counter is seen to grow; nothing that may run is one. */
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

/* A quarter of a minute later. No counter goes back. */
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
    for (int i = 0; i < 50; i++) /* there is none of the program any more */
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
    model.unknown = false; /* and now it can be told */
    model.ended = true;
    expect_value(scrape(&model, 1), crashes_of_p, 1);
    end();
}
END_TEST

START_TEST(who_comes_and_crashes_between_two_scrapes_counts)
{
    struct model models[3];
    begin();
    start(&models[0], "p");
    expect_value(scrape(models, 1), crashes_of_others, 0);
    start(&models[1], "p"); /* of a program that is known */
    models[1].ended = true;
    expect_value(scrape(models, 2), crashes_of_p, 1);
    expect_value(&last, crashes_of_others, 0);
    start(&models[2], "q");
    models[2].ended = true;
    expect_value(scrape(models, 3), crashes_of_p, 1);
    expect_value(&last, crashes_of_others, 1);
    ck_assert_uint_eq(samples_count(&last, "threadmeter_processes", "\"q\""), 0);
    /* One crashes and another of its name stays: the counter of a new program has not been at 0. */
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
    advance(1000); /* and only then somebody looks */
    tool_metrics_free(metrics);
    metrics = tool_metrics_new(20, 20, false, moment);
    expect_value(scrape(&seen, 1), crashes_of_others, 0);
    expect_value(&last, "threadmeter_crashed_processes{program=\"other\"}", 1);
    for (int i = 0; i < 5; i++)
        scrape(NULL, 0);
    struct model back[2] = {old, seen}; /* as a directory is that could not be read */
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

/* As one of a directory that could not be read for long, or of which no search in its time comes to an end. */
START_TEST(who_comes_back_after_long_counts_on)
{
    static const char allocated[] = "threadmeter_process_allocated_bytes_total{program=\"p\"}";
    struct model models[2];
    begin();
    start(&models[0], "p");
    expect_value(scrape(models, 1), allocated, 100);
    for (int i = 0; i < 50; i++)
        scrape(NULL, 0);
    start(&models[1], "p"); /* who is new counts from its start on */
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
    tcase_add_test(tcase, who_comes_and_crashes_between_two_scrapes_counts);
    tcase_add_test(tcase, what_lay_there_dead_is_no_new_crash);
    tcase_add_test(tcase, a_clock_that_is_set_hides_no_crash_and_makes_none);
    tcase_add_test(tcase, who_comes_back_after_long_counts_on);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
