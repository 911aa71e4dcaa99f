/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/export/metrics*.c while threads, tags and processes start and end at random between scrapes. Some scrapes
 * cannot read all processes, and some read tags later than accounts. No counter of any series may go back, and no sum
 * may be above what was allocated; if all was read, it must be exactly that.
 */
#include "support/support.h"
#include "model.h"
#include "samples.h"
#include "common/totals.h"

enum { MODELS = 6, ROUNDS = 120, STEPS = 60 };

struct storm {
    uint64_t seed;
    size_t count;
    struct model models[MODELS];
    uint64_t unseen[MODELS]; /* bytes that were allocated since the last scrape */
    uint64_t allocated;      /* what the exporter must have counted */
    bool tags_end, tags_go_on;
    uint64_t by_tag[3], unseen_by_tag[MODELS][3]; /* the same for each name of a tag */
};

static const char *const tag_names[] = {"red", "green", "blue"};

static uint64_t below(struct storm *storm, uint64_t limit)
{
    return random_next(&storm->seed) % limit;
}

static uint32_t any_slot(struct storm *storm, const struct model *model)
{
    for (int i = 0; i < 8; i++) {
        uint32_t slot = 2 + (uint32_t)below(storm, MODEL_SLOTS - 2);
        if (model->generations[slot] % 2 == 1)
            return slot;
    }
    return 0;
}

static size_t tag_name_of(const struct model *model, int32_t tag)
{
    for (size_t i = 0; i < MODEL_TAGS; i++)
        for (size_t k = 0; tag != 0 && k < 3; k++)
            if (model->tags[i].tag == tag && strcmp(model->tags[i].name, tag_names[k]) == 0)
                return k;
    return 3;
}

static void allocate(struct storm *storm, size_t number, uint32_t slot)
{
    struct model *model = &storm->models[number];
    uint64_t bytes = 1 + below(storm, 1000);
    if (slot >= 2 && model->slots[slot].state != TM_LIVE)
        return;
    model_allocate(model, slot, bytes);
    storm->unseen[number] += bytes;
    size_t name = tag_name_of(model, model->slots[slot].tag);
    if (name < 3)
        storm->unseen_by_tag[number][name] += bytes;
}

/* Frees all bytes of a slot as one block, because the model does not know the sizes of blocks. */
static void free_one(struct storm *storm, struct model *model, uint32_t slot)
{
    struct tm_totals *totals = &model->slots[slot].totals;
    uint64_t blocks = tm_live_blocks(totals), bytes = tm_live_bytes(totals);
    uint32_t by = below(storm, 2) ? any_slot(storm, model) : slot;
    if (blocks == 0 || model->slots[by].state == TM_ORPHAN)
        return;
    model_free(model, slot, blocks == 1 ? bytes : below(storm, bytes + 1), by);
}

static void start(struct storm *storm)
{
    static const char *const programs[] = {"one", "two"};
    if (storm->count == MODELS)
        return;
    size_t number = storm->count++;
    model_init(&storm->models[number], programs[below(storm, 2)]);
    storm->unseen[number] = 0;
    memset(storm->unseen_by_tag[number], 0, sizeof storm->unseen_by_tag[number]);
}

static void end(struct storm *storm, size_t number)
{
    storm->count--;
    storm->models[number] = storm->models[storm->count];
    storm->unseen[number] = storm->unseen[storm->count];
    memcpy(storm->unseen_by_tag[number], storm->unseen_by_tag[storm->count], sizeof storm->unseen_by_tag[number]);
}

static void fork_one(struct storm *storm, size_t number)
{
    const struct model *model = &storm->models[number];
    uint32_t slot = any_slot(storm, model);
    if (storm->count == MODELS || slot == 0)
        return;
    storm->models[storm->count] = model_fork(model, model->slots[slot].thread);
    storm->unseen[storm->count] = 0;
    memset(storm->unseen_by_tag[storm->count], 0, sizeof storm->unseen_by_tag[0]);
    storm->count++;
}

static void open_thread(struct storm *storm, struct model *model)
{
    char name[16];
    uint32_t namesake = any_slot(storm, model);
    size_t tag = below(storm, MODEL_TAGS);
    bool is_new = namesake == 0 || model->slots[namesake].state != TM_LIVE || below(storm, 2);
    snprintf(name, sizeof name, "t%d", (int)below(storm, 9));
    model_thread(model, is_new ? 0 : model->slots[namesake].thread, model->tags[tag].tag,
                 is_new ? name : model->slots[namesake].name);
}

static void step(struct storm *storm)
{
    size_t number = storm->count ? below(storm, storm->count) : 0;
    uint64_t what = storm->count ? below(storm, 100) : 99;
    struct model *model = &storm->models[number];
    uint32_t slot = storm->count ? any_slot(storm, model) : 0;
    if (what < 40)
        allocate(storm, number, below(storm, 20) ? slot : 1);
    else if (what < 65 && slot)
        free_one(storm, model, slot);
    else if (what < 80)
        open_thread(storm, model);
    else if (what < 90 && slot)
        model_exit(model, model->slots[slot].thread);
    else if (what < 93)
        model_tag(model, tag_names[below(storm, 3)]);
    else if (what < 95 && storm->tags_end && model->tags[0].tag)
        model_end_tag(model, model->tags[0].tag);
    else if (what < 97 && slot)
        snprintf(model->slots[slot].name, sizeof model->slots[slot].name, "r%d", (int)below(storm, 9));
    else if (what == 99)
        start(storm);
}

static void steps(struct storm *storm, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        step(storm);
}

/* The exporter has now read this process, and must have counted what was new; except in a new fork. */
static void seen(struct storm *storm, size_t number, bool counts)
{
    storm->allocated += counts ? storm->unseen[number] : 0;
    storm->unseen[number] = 0;
    for (size_t k = 0; k < 3; k++) {
        storm->by_tag[k] += counts ? storm->unseen_by_tag[number][k] : 0;
        storm->unseen_by_tag[number][k] = 0;
    }
}

/* A thread that exits after accounts and before tags were read is in both, but must be counted once. */
static void export_before_tags(struct storm *storm, size_t number, struct tool_metrics *metrics)
{
    struct model *model = &storm->models[number];
    struct tm_reading reading = *model_read(model);
    struct tm_tag_reading tags[MODEL_TAGS];
    struct model later = *model;
    for (uint32_t i = 2; i < MODEL_SLOTS; i++)
        if (below(storm, 4) == 0 && later.generations[i] % 2 == 1 && tm_live_blocks(&later.slots[i].totals) == 0)
            model_exit(&later, later.slots[i].thread);
    reading.tag_count = 0;
    for (size_t i = 0; i < MODEL_TAGS; i++)
        if (later.tags[i].tag != 0) {
            tags[reading.tag_count] = later.tags[i];
            for (uint32_t k = 2; k < MODEL_SLOTS; k++)
                if (model->generations[k] % 2 == 1 && model->slots[k].tag == later.tags[i].tag)
                    tool_totals_add(&tags[reading.tag_count].totals, model->slots[k].totals);
            reading.tag_count++;
        }
    reading.tags = tags;
    struct tool_view view = {.inode = model->inode, .reading = &reading};
    tool_metrics_add(metrics, &view);
}

static struct samples scrape(struct storm *storm, struct tool_metrics *metrics, bool first, bool at_rest)
{
    static uint64_t newest;
    tool_metrics_begin(metrics, (struct tool_moment){0});
    for (size_t i = 0; i < storm->count; i++) {
        struct model *model = &storm->models[i];
        bool is_new = model->started_ns > newest || first;
        if (!is_new && below(storm, 20) == 0 && !at_rest) /* this scrape cannot read it */
            continue;
        if (storm->tags_go_on)
            export_before_tags(storm, i, metrics);
        else
            model_export(model, metrics);
        seen(storm, i, first || !is_new || model->parent == 0);
    }
    for (size_t i = 0; i < storm->count; i++)
        if (storm->models[i].started_ns > newest)
            newest = storm->models[i].started_ns;
    tool_metrics_end(metrics);
    return samples_of(metrics);
}

static void expect_exact(const struct storm *storm, const struct samples *samples)
{
    expect_sums(samples);
    ck_assert(samples_sum(samples, "threadmeter_remote_frees_received_bytes_total", NULL) ==
              samples_sum(samples, "threadmeter_remote_frees_made_bytes_total", NULL));
    ck_assert_uint_eq((uint64_t)samples_sum(samples, "threadmeter_allocated_bytes_total", NULL), storm->allocated);
    for (size_t k = 0; k < 3 && !storm->tags_end && !storm->tags_go_on; k++) {
        char part[32];
        snprintf(part, sizeof part, "tag=\"%s\"", tag_names[k]);
        ck_assert_uint_eq((uint64_t)samples_sum(samples, "threadmeter_allocated_bytes_total", part), storm->by_tag[k]);
    }
}

START_TEST(no_counter_goes_back_and_all_add_up)
{
    struct storm storm = {.seed = (uint64_t)_i + 1, .tags_end = _i % 2 == 1, .tags_go_on = _i >= 8};
    struct tool_metrics *metrics = tool_metrics_new(_i % 4 < 2 ? 3 : 50, 20, false, (struct tool_moment){0});
    struct samples before = {0};
    for (int round = 0; round < ROUNDS; round++) {
        bool at_rest = round % 4 == 3;
        steps(&storm, STEPS);
        struct samples samples = scrape(&storm, metrics, round == 0, at_rest);
        expect_no_step_back(&before, &samples);
        ck_assert(samples_sum(&samples, "threadmeter_allocated_bytes_total", NULL) <= (double)storm.allocated);
        if (at_rest) {
            expect_exact(&storm, &samples);
            /* Only at rest, so nothing is lost that no scrape has seen. */
            if (storm.count > 0 && below(&storm, 3) == 0)
                end(&storm, below(&storm, storm.count));
            if (storm.count > 0 && below(&storm, 3) == 0)
                fork_one(&storm, below(&storm, storm.count));
        }
        samples_free(&before);
        before = samples;
    }
    samples_free(&before);
    tool_metrics_free(metrics);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics_storm");
    TCase *tcase = tcase_create("storm");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, no_counter_goes_back_and_all_add_up, 0, 16);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
