/* SPDX-License-Identifier: BSD-3-Clause */
/* tools/export/metrics*.c: from readings to series, with models of processes, whose figures are known. */
#include "support/support.h"
#include "model.h"
#include "samples.h"

#include <locale.h>

static struct tool_metrics *new_metrics(void)
{
    return tool_metrics_new(20, 20, false, (struct tool_moment){0});
}

static struct samples scrape_at(struct tool_metrics *metrics, struct tool_moment now, const struct model *models,
                                size_t count)
{
    tool_metrics_begin(metrics, now);
    for (size_t i = 0; i < count; i++)
        model_export(&models[i], metrics);
    tool_metrics_end(metrics);
    return samples_of(metrics);
}

static struct samples scrape(struct tool_metrics *metrics, const struct model *models, size_t count)
{
    return scrape_at(metrics, (struct tool_moment){0}, models, count);
}

START_TEST(threads_of_a_name_are_one_series_of_each_tag)
{
    struct tool_metrics *metrics = new_metrics();
    struct model models[2];
    model_init(&models[0], "server");
    model_init(&models[1], "server");
    int32_t tag = model_tag(&models[0], "upload");
    uint32_t first = model_thread(&models[0], 0, 0, "worker");
    uint32_t second = model_thread(&models[0], 0, 0, "worker");
    uint32_t tagged = model_thread(&models[0], models[0].slots[second].thread, tag, "worker");
    uint32_t other = model_thread(&models[1], 0, 0, "worker");
    model_allocate(&models[0], first, 1);
    model_allocate(&models[0], second, 10);
    model_allocate(&models[0], tagged, 100);
    model_allocate(&models[0], tagged, 1000);
    model_free(&models[0], tagged, 100, first);
    model_allocate(&models[1], other, 10000);
    model_allocate(&models[1], 1, 100000);

    struct samples samples = scrape(metrics, models, 2);
    expect_value(&samples, "threadmeter_processes{program=\"server\"}", 2);
    expect_value(&samples, "threadmeter_process_live_bytes{program=\"server\"}", 111011);
    expect_value(&samples, "threadmeter_process_resident_bytes{program=\"server\"}", 8192);
    expect_value(&samples, "threadmeter_live_bytes{program=\"server\",thread=\"worker\",tag=\"(none)\"}", 10011);
    expect_value(&samples, "threadmeter_live_bytes{program=\"server\",thread=\"worker\",tag=\"upload\"}", 1000);
    expect_value(&samples, "threadmeter_live_bytes{program=\"server\",thread=\"(shared)\",tag=\"(none)\"}", 100000);
    expect_value(&samples, "threadmeter_live_blocks{program=\"server\",thread=\"worker\",tag=\"(none)\"}", 3);
    expect_value(&samples,
                 "threadmeter_remote_frees_received_bytes_total{program=\"server\",thread=\"worker\",tag=\"upload\"}",
                 100);
    expect_value(&samples,
                 "threadmeter_remote_frees_made_bytes_total{program=\"server\",thread=\"worker\",tag=\"(none)\"}", 100);
    expect_value(&samples, "threadmeter_threads{program=\"server\",thread=\"worker\"}", 3);
    expect_value(&samples, "threadmeter_thread_peak_bytes{program=\"server\",thread=\"worker\"}", 10000);
    ck_assert_uint_eq(samples_count(&samples, "threadmeter_live_bytes", NULL), 3);
    expect_sums(&samples);
    samples_free(&samples);
    tool_metrics_free(metrics);
}
END_TEST

START_TEST(labels_are_escaped_printable_and_never_empty)
{
    struct tool_metrics *metrics = new_metrics();
    struct model model;
    model_init(&model, "");
    model_allocate(&model, model_thread(&model, 0, 0, "a\\b\"c\nd\x1b\xff"), 1);
    model_allocate(&model, model_thread(&model, 0, 0, ""), 2);
    model_allocate(&model,
                   model_thread(&model, 0, 0,
                                "gr\xc3\xb6\xc3\x9f"
                                "e"),
                   3);
    struct samples samples = scrape(metrics, &model, 1);
    expect_value(&samples, "threadmeter_live_bytes{program=\"(unnamed)\",thread=\"a\\\\b\\\"c?d??\",tag=\"(none)\"}",
                 1);
    expect_value(&samples, "threadmeter_live_bytes{program=\"(unnamed)\",thread=\"(unnamed)\",tag=\"(none)\"}", 2);
    expect_value(&samples,
                 "threadmeter_live_bytes{program=\"(unnamed)\",thread=\"gr\xc3\xb6\xc3\x9f"
                 "e\",tag=\"(none)\"}",
                 3);
    samples_free(&samples);
    tool_metrics_free(metrics);
}
END_TEST

START_TEST(the_largest_names_have_series_and_keep_them)
{
    struct tool_metrics *metrics = tool_metrics_new(2, 20, false, (struct tool_moment){1, 1});
    struct model model;
    uint32_t threads[6];
    model_init(&model, "p");
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        threads[i] = model_thread(&model, 0, 0, name);
        model_allocate(&model, threads[i], UINT64_C(1) << i);
    }
    struct samples first = scrape(metrics, &model, 1);
    expect_value(&first, "threadmeter_live_bytes{program=\"p\",thread=\"t4\",tag=\"(none)\"}", 16);
    expect_value(&first, "threadmeter_live_bytes{program=\"p\",thread=\"t3\",tag=\"(none)\"}", 8);
    expect_value(&first, "threadmeter_live_bytes{program=\"p\",thread=\"other\",tag=\"(none)\"}", 7);
    expect_value(&first, "threadmeter_threads{program=\"p\",thread=\"other\"}", 3);
    expect_sums(&first);

    /* Two threads that grow have series, too, from now on; what they did before stays in "other". */
    model_allocate(&model, threads[0], 1000);
    model_allocate(&model, threads[1], 2000);
    model_free(&model, threads[4], 16, threads[4]);
    struct samples second = scrape(metrics, &model, 1);
    expect_no_step_back(&first, &second);
    expect_value(&second, "threadmeter_live_bytes{program=\"p\",thread=\"t4\",tag=\"(none)\"}", 0);
    expect_value(&second, "threadmeter_live_bytes{program=\"p\",thread=\"t0\",tag=\"(none)\"}", 1001);
    expect_value(&second, "threadmeter_allocated_bytes_total{program=\"p\",thread=\"t0\",tag=\"(none)\"}", 1000);
    expect_value(&second, "threadmeter_live_bytes{program=\"p\",thread=\"other\",tag=\"(none)\"}", 4);
    expect_sums(&second);

    /* There are at most twice as many series as asked for. */
    model_allocate(&model, threads[2], 10000);
    model_allocate(&model, model_thread(&model, 0, 0, "other"), 50000);
    struct samples third = scrape(metrics, &model, 1);
    expect_no_step_back(&second, &third);
    expect_value(&third, "threadmeter_live_bytes{program=\"p\",thread=\"other\",tag=\"(none)\"}", 60004);
    ck_assert_uint_eq(samples_count(&third, "threadmeter_live_bytes", NULL), 5);
    expect_sums(&third);
    samples_free(&first);
    samples_free(&second);
    samples_free(&third);
    tool_metrics_free(metrics);
}
END_TEST

START_TEST(threads_that_exit_take_nothing_back)
{
    struct tool_metrics *metrics = new_metrics();
    struct model model;
    model_init(&model, "p");
    int32_t tag = model_tag(&model, "job");
    uint32_t main_slot = model_thread(&model, 0, 0, "main"), seen = model_thread(&model, 0, tag, "seen");
    model_allocate(&model, main_slot, 1);
    model_allocate(&model, seen, 100);
    struct samples before = scrape(metrics, &model, 1);

    model_free(&model, seen, 100, main_slot);
    model_exit(&model, model.slots[seen].thread); /* no scrape saw its block freed */
    for (int i = 0; i < 3; i++) {
        uint32_t unseen = model_thread(&model, 0, tag, "unseen");
        model_allocate(&model, unseen, 1000);
        model_free(&model, unseen, 1000, unseen);
        model_exit(&model, model.slots[unseen].thread);
    }
    uint32_t leaves = model_thread(&model, 0, 0, "leaves");
    model_allocate(&model, leaves, 7);
    model_exit(&model, model.slots[leaves].thread);
    struct samples after = scrape(metrics, &model, 1);
    expect_no_step_back(&before, &after);
    expect_value(&after, "threadmeter_allocated_bytes_total{program=\"p\",thread=\"seen\",tag=\"job\"}", 100);
    expect_value(&after, "threadmeter_allocated_bytes_total{program=\"p\",thread=\"(exited)\",tag=\"job\"}", 3000);
    expect_value(&after, "threadmeter_freed_bytes_total{program=\"p\",thread=\"(exited)\",tag=\"job\"}", 3100);
    expect_value(&after, "threadmeter_remote_frees_received_bytes_total{program=\"p\",thread=\"(exited)\",tag=\"job\"}",
                 100);
    expect_value(&after, "threadmeter_orphan_bytes{program=\"p\",thread=\"leaves\",tag=\"(none)\"}", 7);
    expect_value(&after, "threadmeter_process_orphan_bytes{program=\"p\"}", 7);
    expect_value(&after, "threadmeter_threads{program=\"p\",thread=\"leaves\"}", 0);
    expect_sums(&after);
    samples_free(&before);
    samples_free(&after);
    tool_metrics_free(metrics);
}
END_TEST

START_TEST(processes_that_end_take_nothing_back)
{
    struct tool_metrics *metrics = new_metrics();
    struct model models[3];
    for (int i = 0; i < 3; i++) {
        model_init(&models[i], "p");
        model_allocate(&models[i], model_thread(&models[i], 0, 0, "main"), 100);
    }
    static const char allocated[] = "threadmeter_allocated_bytes_total{program=\"p\",thread=\"main\",tag=\"(none)\"}";
    struct samples rounds[5];
    rounds[0] = scrape(metrics, models, 3);
    rounds[1] = scrape(metrics, models, 2);
    expect_value(&rounds[1], allocated, 300);
    expect_value(&rounds[1], "threadmeter_live_bytes{program=\"p\",thread=\"main\",tag=\"(none)\"}", 200);
    expect_value(&rounds[1], "threadmeter_processes{program=\"p\"}", 2);
    /* The second process crashes: its last allocations can still be read, but none of its bytes are live. */
    model_allocate(&models[1], 2, 11);
    models[1].ended = true;
    rounds[2] = scrape(metrics, models, 2);
    expect_value(&rounds[2], allocated, 311);
    expect_value(&rounds[2], "threadmeter_live_bytes{program=\"p\",thread=\"main\",tag=\"(none)\"}", 100);
    expect_value(&rounds[2], "threadmeter_crashed_processes{program=\"p\"}", 1);
    /* In one scrape no process can be read; in the next one they are the same processes as before. */
    tool_metrics_begin(metrics, (struct tool_moment){0});
    tool_metrics_add_unreadable(metrics);
    tool_metrics_end(metrics);
    rounds[3] = samples_of(metrics);
    expect_value(&rounds[3], allocated, 311);
    ck_assert_int_eq((int)samples_sum(&rounds[3], "threadmeter_live_bytes", NULL), 0);
    models[0].misuses = 3;
    model_allocate(&models[0], 2, 1000);
    rounds[4] = scrape(metrics, models, 1);
    expect_value(&rounds[4], allocated, 1311);
    expect_value(&rounds[4], "threadmeter_errors_reported_total{program=\"p\"}", 3);
    expect_value(&rounds[4], "threadmeter_intercepted_frees_total{program=\"p\"}", 30);
    for (int i = 0; i < 5; i++) {
        if (i > 0)
            expect_no_step_back(&rounds[i - 1], &rounds[i]);
        ck_assert(samples_sum(&rounds[i], "threadmeter_allocated_bytes_total", NULL) ==
                  samples_sum(&rounds[i], "threadmeter_process_allocated_bytes_total", NULL));
    }
    for (int i = 0; i < 5; i++)
        samples_free(&rounds[i]);
    tool_metrics_free(metrics);
}
END_TEST

START_TEST(what_crashed_before_anybody_looked_is_told_and_not_counted)
{
    struct tool_metrics *metrics = new_metrics();
    struct model model;
    model_init(&model, "p");
    model_allocate(&model, model_thread(&model, 0, 0, "main"), 100);
    uint32_t gone = model_thread(&model, 0, 0, "gone");
    model_allocate(&model, gone, 10);
    model_free(&model, gone, 10, gone);
    model_exit(&model, model.slots[gone].thread);
    model.ended = true;
    for (int round = 0; round < 2; round++) {
        struct samples samples = scrape(metrics, &model, 1);
        expect_value(&samples, "threadmeter_crashed_processes{program=\"other\"}", 1);
        expect_value(&samples, "threadmeter_process_allocated_bytes_total{program=\"other\"}", 0);
        ck_assert_uint_eq(samples_count(&samples, "threadmeter_processes", NULL), 1);
        ck_assert_uint_eq(samples_count(&samples, "threadmeter_live_bytes", NULL), 0);
        samples_free(&samples);
    }
    tool_metrics_free(metrics);
}
END_TEST

START_TEST(a_fork_does_not_count_what_its_parent_did)
{
    struct tool_metrics *metrics = new_metrics();
    struct model models[2];
    model_init(&models[0], "p");
    uint32_t slot = model_thread(&models[0], 0, 0, "main"), gone = model_thread(&models[0], 0, 0, "gone");
    model_allocate(&models[0], slot, 1000);
    model_allocate(&models[0], gone, 5);
    model_free(&models[0], gone, 5, gone);
    struct samples before = scrape(metrics, models, 1);
    models[1] = model_fork(&models[0], models[0].slots[slot].thread);
    models[1].misuses = models[0].misuses = 1;
    struct samples forked = scrape(metrics, models, 2);
    expect_value(&forked, "threadmeter_process_allocated_bytes_total{program=\"p\"}", 1005);
    expect_value(&forked, "threadmeter_process_live_bytes{program=\"p\"}", 2000);
    expect_value(&forked, "threadmeter_errors_reported_total{program=\"p\"}", 1);
    expect_value(&forked, "threadmeter_intercepted_frees_total{program=\"p\"}", 10);
    expect_sums(&forked);
    model_allocate(&models[1], slot, 1);
    model_allocate(&models[1], model_thread(&models[1], 0, 0, "new"), 10);
    struct samples after = scrape(metrics, models, 2);
    expect_value(&after, "threadmeter_process_allocated_bytes_total{program=\"p\"}", 1016);
    expect_sums(&after);
    tool_metrics_free(metrics);

    /* A fork that began before the exporter counts like any other process. */
    metrics = new_metrics();
    struct samples all = scrape(metrics, models, 2);
    expect_value(&all, "threadmeter_process_allocated_bytes_total{program=\"p\"}", 2021);
    expect_sums(&all);
    samples_free(&before);
    samples_free(&forked);
    samples_free(&after);
    samples_free(&all);
    tool_metrics_free(metrics);
}
END_TEST

START_TEST(limits_are_told_by_the_process_that_is_nearest)
{
    struct tool_metrics *metrics = new_metrics();
    struct model models[2];
    for (int i = 0; i < 2; i++) {
        model_init(&models[i], "p");
        int32_t tag = model_tag(&models[i], "cache");
        models[i].tags[0].limit_bytes = 1000;
        model_allocate(&models[i], model_thread(&models[i], 0, tag, "main"), i == 0 ? 100 : 875);
    }
    model_tag(&models[0], "without");
    struct samples samples = scrape(metrics, models, 2);
    expect_value(&samples, "threadmeter_tag_limit_bytes{program=\"p\",tag=\"cache\"}", 2000);
    expect_value(&samples, "threadmeter_tag_limit_used_ratio{program=\"p\",tag=\"cache\"}", 0.875);
    ck_assert_uint_eq(samples_count(&samples, "threadmeter_tag_limit_bytes", NULL), 1);
    samples_free(&samples);
    tool_metrics_free(metrics);
}
END_TEST

START_TEST(sums_do_not_wrap)
{
    enum { PROCESSES = 5 };
    struct tool_metrics *metrics = new_metrics();
    struct model models[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        model_init(&models[i], "server");
        model_allocate(&models[i], model_thread(&models[i], 0, 0, "worker"), UINT64_C(1) << 62);
    }
    struct samples samples = scrape(metrics, models, PROCESSES);
    double most = 18446744073709551615.0;
    expect_value(&samples, "threadmeter_process_live_bytes{program=\"server\"}", most);
    expect_value(&samples, "threadmeter_process_peak_bytes{program=\"server\"}", most);
    expect_value(&samples, "threadmeter_process_allocated_bytes_total{program=\"server\"}", most);
    expect_value(&samples, "threadmeter_live_bytes{program=\"server\",thread=\"worker\",tag=\"(none)\"}", most);
    expect_value(&samples, "threadmeter_allocated_bytes_total{program=\"server\",thread=\"worker\",tag=\"(none)\"}",
                 most);
    samples_free(&samples);
    tool_metrics_free(metrics);
}
END_TEST

START_TEST(programs_and_tags_are_bounded)
{
    enum { PROGRAMS = 150 };
    static struct model models[PROGRAMS];
    struct tool_metrics *metrics = tool_metrics_new(20, 2, false, (struct tool_moment){1, 1});
    for (int i = 0; i < PROGRAMS; i++) {
        char name[16];
        snprintf(name, sizeof name, "program-%d", i);
        model_init(&models[i], name);
        for (int k = 0; k < MODEL_TAGS; k++) {
            snprintf(name, sizeof name, "tag-%d", k);
            int32_t tag = model_tag(&models[i], name);
            model_allocate(&models[i], model_thread(&models[i], 0, tag, "main"), (uint64_t)(k + 1));
        }
    }
    struct samples samples = scrape(metrics, models, PROGRAMS);
    ck_assert_uint_eq(samples_count(&samples, "threadmeter_processes", NULL), 100);
    expect_value(&samples, "threadmeter_processes{program=\"other\"}", 51);
    ck_assert_uint_eq(samples_count(&samples, "threadmeter_live_bytes", "\"program-7\""), 3);
    expect_value(&samples, "threadmeter_live_bytes{program=\"program-7\",thread=\"main\",tag=\"tag-5\"}", 6);
    expect_value(&samples, "threadmeter_live_bytes{program=\"program-7\",thread=\"main\",tag=\"other\"}", 10);
    expect_sums(&samples);
    samples_free(&samples);
    tool_metrics_free(metrics);
}
END_TEST

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    Suite *suite = suite_create("metrics");
    TCase *tcase = tcase_create("metrics");
    tcase_add_test(tcase, threads_of_a_name_are_one_series_of_each_tag);
    tcase_add_test(tcase, labels_are_escaped_printable_and_never_empty);
    tcase_add_test(tcase, the_largest_names_have_series_and_keep_them);
    tcase_add_test(tcase, threads_that_exit_take_nothing_back);
    tcase_add_test(tcase, processes_that_end_take_nothing_back);
    tcase_add_test(tcase, what_crashed_before_anybody_looked_is_told_and_not_counted);
    tcase_add_test(tcase, a_fork_does_not_count_what_its_parent_did);
    tcase_add_test(tcase, limits_are_told_by_the_process_that_is_nearest);
    tcase_add_test(tcase, sums_do_not_wrap);
    tcase_add_test(tcase, programs_and_tags_are_bounded);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
