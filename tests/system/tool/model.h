/* SPDX-License-Identifier: BSD-3-Clause */
/* A model of a process, which changes and is read like a real one: threads, tags, orphans, forks. */
#ifndef TESTS_TOOL_MODEL_H
#define TESTS_TOOL_MODEL_H

#include "export/metrics.h"

enum { MODEL_SLOTS = 24, MODEL_TAGS = 6 };

struct model {
    uint64_t inode, started_ns;
    pid_t parent;
    uid_t uid;
    bool ended; /* by a signal */
    bool unknown;
    char program[16];
    uint64_t threads_ever, misuses;
    struct tm_slot slots[MODEL_SLOTS]; /* the first two are the shared slots */
    uint32_t generations[MODEL_SLOTS]; /* 0: never used; odd: has an owner */
    struct tm_totals retired;
    struct tm_tag_reading tags[MODEL_TAGS]; /* .tag is 0 if the element is not in use; .totals are of closed accounts */
    int32_t tags_ever;
};

void model_init(struct model *model, const char *program);

/* Gives a thread (a new one if `thread` is 0) a slot in a tag, or 0. Returns its number; 0 if no slot is free. */
uint32_t model_thread(struct model *model, uint64_t thread, int32_t tag, const char *name);
void model_allocate(struct model *model, uint32_t slot, uint64_t bytes);
void model_free(struct model *model, uint32_t slot, uint64_t bytes, uint32_t by); /* one block of so many bytes */
void model_exit(struct model *model, uint64_t thread);
int32_t model_tag(struct model *model, const char *name); /* returns 0 if there is no room */
void model_end_tag(struct model *model, int32_t tag);     /* does nothing if a slot in use has the tag */
struct model model_fork(const struct model *model, uint64_t thread);

/* The totals that the reader would return. The reading is valid until the next call of model_read(). */
struct tm_totals model_process(const struct model *model);
const struct tm_reading *model_read(const struct model *model);

void model_export(const struct model *model, struct tool_metrics *metrics);

#endif
