/* SPDX-License-Identifier: BSD-3-Clause */
/* tools/export/metrics*.c: which programs, users, threads and tags have series of their own, and for how long. */
#include "support/support.h"
#include "model.h"
#include "samples.h"

#include <unistd.h>

enum { HOUR = 3600 };

static struct samples scrape(struct tool_metrics *metrics, uint64_t seconds, const struct model *models, size_t count)
{
    tool_metrics_begin(metrics, (struct tool_moment){seconds * 1000000000, seconds * 1000000000});
    for (size_t i = 0; i < count; i++)
        model_export(&models[i], metrics);
    tool_metrics_end(metrics);
    return samples_of(metrics);
}

static void start(struct model *model, const char *program, int number, uid_t uid)
{
    char name[16];
    snprintf(name, sizeof name, "%s%.0d", program, number);
    model_init(model, name);
    model->uid = uid;
    model_allocate(model, model_thread(model, 0, model_tag(model, "tag"), "main"), 100);
}

static uint64_t count_all(struct tool_metrics *metrics, uint64_t seconds, const struct model *models, size_t count,
                          const char *metric, const char *part)
{
    struct samples samples = scrape(metrics, seconds, models, count);
    uint64_t found = samples_count(&samples, metric, part);
    samples_free(&samples);
    return found;
}

START_TEST(programs_of_one_name_are_apart_by_user_only_where_asked)
{
    struct model models[2];
    start(&models[0], "postgres", 0, 0);
    start(&models[1], "postgres", 0, 65534);
    model_allocate(&models[1], 2, 1000);
    struct tool_metrics *metrics = tool_metrics_new(20, 20, true, (struct tool_moment){0});
    struct samples samples = scrape(metrics, 1, models, 2);
    expect_value(&samples, "threadmeter_process_live_bytes{program=\"postgres\",uid=\"0\"}", 100);
    expect_value(&samples, "threadmeter_process_live_bytes{program=\"postgres\",uid=\"65534\"}", 1100);
    expect_value(&samples, "threadmeter_live_bytes{program=\"postgres\",uid=\"65534\",thread=\"main\",tag=\"tag\"}",
                 1100);
    expect_value(&samples, "threadmeter_threads{program=\"postgres\",uid=\"0\",thread=\"main\"}", 1);
    for (size_t i = 0; i < samples.count; i++)
        ck_assert(!strchr(samples.all[i].series, '{') || strstr(samples.all[i].series, "uid=\"") ||
                  strstr(samples.all[i].series, "build_info"));
    samples_free(&samples);
    tool_metrics_free(metrics);

    metrics = tool_metrics_new(20, 20, false, (struct tool_moment){0});
    samples = scrape(metrics, 1, models, 2);
    expect_value(&samples, "threadmeter_process_live_bytes{program=\"postgres\"}", 1200);
    samples_free(&samples);
    tool_metrics_free(metrics);
}
END_TEST

START_TEST(one_user_cannot_take_all_places)
{
    enum { MANY = 150 };
    static struct model models[MANY + 1];
    for (int i = 0; i < MANY; i++)
        start(&models[i], "p", i + 1, 65534);
    start(&models[MANY], "postgres", 0, 999);
    struct tool_metrics *metrics = tool_metrics_new(20, 20, true, (struct tool_moment){0});
    struct samples samples = scrape(metrics, 1, models, MANY + 1);
    expect_value(&samples, "threadmeter_processes{program=\"postgres\",uid=\"999\"}", 1);
    ck_assert_uint_eq(samples_count(&samples, "threadmeter_processes", "uid=\"65534\""), 25);
    expect_value(&samples, "threadmeter_processes{program=\"other\",uid=\"other\"}", MANY - 25);
    samples_free(&samples);
    for (int i = 0; i < MANY; i++)
        models[i].uid = geteuid();
    ck_assert_uint_eq(count_all(metrics, 2, models, MANY + 1, "threadmeter_processes", NULL), 100);
    tool_metrics_free(metrics);
}
END_TEST

START_TEST(the_dead_take_no_place)
{
    enum { MANY = 150 };
    static struct model models[MANY + 1];
    struct tool_metrics *metrics = tool_metrics_new(20, 20, false, (struct tool_moment){0});
    for (int i = 0; i < MANY; i++) {
        start(&models[i], "p", i + 1, 0);
        models[i].ended = true;
    }
    start(&models[MANY], "alive", 0, 0);
    struct samples samples = scrape(metrics, 1, models, MANY + 1);
    expect_value(&samples, "threadmeter_processes{program=\"alive\"}", 1);
    expect_value(&samples, "threadmeter_crashed_processes{program=\"other\"}", MANY);
    ck_assert_uint_eq(samples_count(&samples, "threadmeter_processes", NULL), 2);
    samples_free(&samples);
    tool_metrics_free(metrics);
}
END_TEST

/* 98 programs crash, and their files stay. After an hour, and not before, other programs may have their series. */
START_TEST(programs_are_forgotten_after_an_hour)
{
    enum { ALL = 99 };
    static struct model models[ALL + 2];
    struct tool_metrics *metrics = tool_metrics_new(20, 20, false, (struct tool_moment){0});
    for (int i = 0; i < ALL; i++)
        start(&models[i], "p", i + 1, 0);
    ck_assert_uint_eq(count_all(metrics, 0, models, ALL, "threadmeter_processes", "\"p"), ALL);
    for (int i = 1; i < ALL; i++)
        models[i].ended = true;
    ck_assert_uint_eq(count_all(metrics, 10, models, ALL, "threadmeter_processes", "\"p"), ALL);
    start(&models[ALL], "new", 0, 0);
    ck_assert_uint_eq(count_all(metrics, HOUR, models, ALL + 1, "threadmeter_processes", "\"new\""), 0);
    ck_assert_uint_eq(count_all(metrics, HOUR + 11, models, ALL + 1, "threadmeter_processes", "\"p"), ALL);
    struct samples samples = scrape(metrics, HOUR + 12, models, ALL + 1);
    expect_value(&samples, "threadmeter_processes{program=\"new\"}", 1);
    expect_value(&samples, "threadmeter_live_bytes{program=\"new\",thread=\"main\",tag=\"tag\"}", 100);
    ck_assert_uint_eq(samples_count(&samples, "threadmeter_processes", NULL), 3);
    expect_value(&samples, "threadmeter_processes{program=\"p1\"}", 1);
    expect_value(&samples, "threadmeter_crashed_processes{program=\"other\"}", ALL - 1);
    /* Their crashes were counted in their own series, so not once more in this one. */
    expect_value(&samples, "threadmeter_process_crashes_total{program=\"other\"}", 0);
    samples_free(&samples);

    /* A program that comes back begins at 0 again, and then only grows. */
    start(&models[ALL + 1], "p", 2, 0);
    samples = scrape(metrics, HOUR + 20, models, ALL + 2);
    expect_value(&samples, "threadmeter_process_crashes_total{program=\"p2\"}", 0);
    expect_value(&samples, "threadmeter_process_allocated_bytes_total{program=\"p2\"}", 100);
    model_allocate(&models[ALL + 1], 2, 11);
    struct samples later = scrape(metrics, HOUR + 30, models, ALL + 2);
    expect_no_step_back(&samples, &later);
    expect_value(&later, "threadmeter_process_allocated_bytes_total{program=\"p2\"}", 111);
    samples_free(&samples);
    samples_free(&later);
    tool_metrics_free(metrics);
}
END_TEST

/* A program whose threads and tags have new names in each process. */
START_TEST(names_of_threads_and_tags_make_room_after_an_hour)
{
    enum { TOP = 2, PLACES = 2 * TOP };
    struct tool_metrics *metrics = tool_metrics_new(TOP, TOP, false, (struct tool_moment){0});
    struct model model;
    struct samples samples;
    for (int i = 0; i < PLACES + 3; i++) {
        char name[16];
        model_init(&model, "p"); /* another process of the program */
        snprintf(name, sizeof name, "name-%d", i);
        model_allocate(&model, model_thread(&model, 0, model_tag(&model, name), name), 100);
        samples = scrape(metrics, (uint64_t)i, &model, 1);
        char own[128];
        snprintf(own, sizeof own, "threadmeter_live_bytes{program=\"p\",thread=\"%s\",tag=\"%s\"}",
                 i < PLACES ? name : "other", i < PLACES ? name : "other");
        expect_value(&samples, own, 100);
        samples_free(&samples);
    }
    samples = scrape(metrics, HOUR + 1, &model, 1);
    expect_value(&samples, "threadmeter_live_bytes{program=\"p\",thread=\"name-6\",tag=\"name-6\"}", 100);
    /* The oldest name has lost its series to the new one, which begins at 0. */
    ck_assert_uint_eq(samples_count(&samples, "threadmeter_allocated_bytes_total", "\"name-0\""), 0);
    ck_assert_uint_eq(samples_count(&samples, "threadmeter_allocated_bytes_total", "\"name-1\""), 1);
    expect_value(&samples, "threadmeter_allocated_bytes_total{program=\"p\",thread=\"name-6\",tag=\"name-6\"}", 0);
    ck_assert(samples_sum(&samples, "threadmeter_live_bytes", NULL) == 100);
    model_allocate(&model, 2, 7);
    struct samples later = scrape(metrics, HOUR + 2, &model, 1);
    expect_no_step_back(&samples, &later);
    expect_value(&later, "threadmeter_allocated_bytes_total{program=\"p\",thread=\"name-6\",tag=\"name-6\"}", 7);
    samples_free(&samples);
    samples_free(&later);

    /* The series of live threads stay, and so do the counters of others that are not needed for new names. */
    samples = scrape(metrics, 10 * HOUR, &model, 1);
    expect_value(&samples, "threadmeter_live_bytes{program=\"p\",thread=\"name-6\",tag=\"name-6\"}", 107);
    ck_assert_uint_eq(samples_count(&samples, "threadmeter_allocated_bytes_total", "\"name-1\""), 1);
    samples_free(&samples);
    tool_metrics_free(metrics);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics_names");
    TCase *tcase = tcase_create("names");
    tcase_add_test(tcase, programs_of_one_name_are_apart_by_user_only_where_asked);
    tcase_add_test(tcase, one_user_cannot_take_all_places);
    tcase_add_test(tcase, the_dead_take_no_place);
    tcase_add_test(tcase, programs_are_forgotten_after_an_hour);
    tcase_add_test(tcase, names_of_threads_and_tags_make_room_after_an_hour);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
