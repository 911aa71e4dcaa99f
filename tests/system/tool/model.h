/* SPDX-License-Identifier: BSD-3-Clause */
/* A made-up process, that does as a real one and is read as a real one is: threads, tags, orphans, forks. */
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
    struct tm_slot slots[MODEL_SLOTS]; /* the first two shared */
    uint32_t generations[MODEL_SLOTS]; /* 0: never had; odd: has an owner */
    struct tm_totals retired;
    struct tm_tag_reading tags[MODEL_TAGS]; /* .tag 0: none; .totals: of what is gone */
    int32_t tags_ever;
};

void model_init(struct model *model, const char *program);

/* A slot for a thread, new if `thread` is 0, in a tag, or 0. Returns its number; 0 if there is none left. */
uint32_t model_thread(struct model *model, uint64_t thread, int32_t tag, const char *name);
void model_allocate(struct model *model, uint32_t slot, uint64_t bytes);
void model_free(struct model *model, uint32_t slot, uint64_t bytes, uint32_t by); /* one block of so many bytes */
void model_exit(struct model *model, uint64_t thread);
int32_t model_tag(struct model *model, const char *name); /* 0: there is no room */
void model_end_tag(struct model *model, int32_t tag);     /* if nobody has a slot in it */
struct model model_fork(const struct model *model, uint64_t thread);

/* Totals as the reader would give them; the reading is the model's until its next. */
struct tm_totals model_process(const struct model *model);
const struct tm_reading *model_read(const struct model *model);

void model_export(const struct model *model, struct tool_metrics *metrics);

#endif
