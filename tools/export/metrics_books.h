/* SPDX-License-Identifier: BSD-3-Clause */
/* What metrics.c keeps, metrics_programs.c and metrics_labels.c name, and metrics_text.c writes. */
#ifndef TM_TOOL_METRICS_BOOKS_H
#define TM_TOOL_METRICS_BOOKS_H

#include "export/metrics.h"

enum { TOOL_LABEL = 64, TOOL_PROGRAMS = 100 };

/* What no running process has had for so long gives its place to others. */
#define TOOL_FORGOTTEN_NS (UINT64_C(3600) * 1000000000)

/* A name of threads, or of a tag, with what can be told of it but not of thread and tag together. */
struct tool_label {
    char text[TOOL_LABEL];
    uint64_t seen_ns; /* when a running process had it last: CLOCK_MONOTONIC */
    bool is_new;      /* in this round: no series is of it yet */
    uint64_t threads;
    uint64_t peak_bytes;
    uint64_t limit_bytes; /* 0: none */
    uint64_t limit_used_millionths;
};

/* The values of one label of one program. */
struct tool_labels {
    size_t top;
    size_t reserved;
    size_t count;
    struct tool_label *all;
    size_t *by_text; /* their numbers */
};

/* The first labels of each kind. */
enum { TOOL_OTHER, TOOL_EXITED, TOOL_SHARED }; /* of threads */
enum { TOOL_NO_TAG = 1 };                      /* of tags, after TOOL_OTHER */

/* A name that was seen in this round, and what it weighs. */
struct tool_candidate {
    const char *text;
    uint64_t live_bytes;
    uint64_t allocated_bytes;
};

void tool_labels_init(struct tool_labels *labels, size_t top, const char *const reserved[], size_t count);
void tool_labels_free(struct tool_labels *labels);
size_t tool_labels_find(const struct tool_labels *labels, const char *text); /* TOOL_OTHER if it has none of its own */

/*
 * Gives labels to the `top` heaviest of the candidates, whose order changes, and of which several may be of one name.
 * Who has one keeps it, so there may be up to twice as many; then whoever comes takes the place of the one that was a
 * candidate longest ago, if that is an hour, and otherwise is an "other". True if one is new.
 */
bool tool_labels_admit(struct tool_labels *labels, struct tool_candidate *candidates, size_t count, uint64_t now_ns);

/* What is live. */
struct tool_gauges {
    uint64_t live_bytes;
    uint64_t live_blocks;
    uint64_t orphan_bytes; /* part of live_bytes */
};

struct tool_series {
    size_t thread, tag; /* labels */
    struct tm_totals counted;
    struct tool_gauges now;
};

/* The processes of one name, and of one user if these are apart. */
struct tool_program {
    char name[TOOL_LABEL];
    char uid[16]; /* "": users are not apart */
    uint64_t seen_ns;
    size_t since_round;
    struct tool_process *processes_now; /* those of this round */
    struct tool_labels threads, tags;
    size_t series_count;
    struct tool_series *series;
    uint32_t *series_at; /* [thread * tags.count + tag]: the series' number and 1; 0: none */
    /* Of its processes as they say themselves, which the series must add up to. */
    struct tm_totals counted;
    struct tool_gauges now;
    uint64_t peak_bytes, resident_bytes, processes, unknown, crashed;
    uint64_t crashes; /* counted */
    struct tm_cross_allocator_calls cross_allocator_calls;
};

/* One thread in one tag of a process: (slot, generation) name it. */
struct tool_account {
    uint32_t slot, generation;
    int32_t tag;
    enum tm_slot_state state;
    char name[32];
    struct tm_totals now, counted;
};

struct tool_thread {
    enum tm_slot_state state;
    uint64_t peak_bytes;
    char name[32];
};

/* A tag of a process, over its threads. */
struct tool_tag_book {
    int32_t tag;
    char name[TOOL_LABEL];
    uint64_t limit_bytes;
    struct tm_totals now;
    struct tm_totals present; /* the part of it that is in accounts */
    struct tm_totals gone;    /* counted of accounts that are gone */
    struct tm_totals exited;  /* counted of what nobody saw in an account */
};

struct tool_process {
    uint64_t device, inode, started_ns;
    struct tool_program *program; /* in this round */
    struct tool_process *next;    /* of its program */
    bool counts;                  /* what it has done before it was first seen, too */
    bool crash_counted;
    bool is_new, runs; /* or may run */
    unsigned missed;   /* rounds since it was seen; 0: in this one */
    uint64_t seen_ns;  /* when that was: CLOCK_MONOTONIC */
    size_t account_count;
    struct tool_account *accounts; /* by slot */
    size_t thread_count;
    struct tool_thread *threads;
    size_t book_count;
    struct tool_tag_book *books; /* by tag */
    struct tm_totals now, counted;
    struct tm_totals retired, gone, exited;                /* as in a tag's book */
    struct tm_cross_allocator_calls cross_allocator_calls; /* counted */
};

struct tool_metrics {
    size_t top_threads, top_tags;
    bool by_user;
    uid_t own_uid;
    struct tool_moment began[3]; /* the last three rounds, this one last; before the first: when all began */
    uint64_t forgotten_ns;       /* when the last of all processes that are forgotten was seen; 0: none is */
    size_t rounds, unreadable, left_out;
    size_t program_count;
    struct tool_program *programs[TOOL_PROGRAMS]; /* the first is TOOL_OTHER */
    size_t process_count;
    struct tool_process **processes;
    void *by_identity; /* the same, for tsearch() */
};

/* metrics.c: NULL if the process has no such tag, or none any more. */
struct tool_tag_book *tool_book_of(const struct tool_process *process, int32_t tag);

/* metrics_programs.c */

/* A name as a label: UTF-8, and never empty. */
void tool_name_label(char *label, size_t size, const char *name);
void tool_programs_init(struct tool_metrics *metrics);
void tool_programs_free(struct tool_metrics *metrics);

/* A new round: nothing is live yet, and what nobody has had for too long is forgotten. */
void tool_programs_begin(struct tool_metrics *metrics);

/* Where a process belongs in this round. Only one that runs, or may, gets a new program. */
struct tool_program *tool_program_of(struct tool_metrics *metrics, const struct tm_reading *reading);

/* metrics_count.c: names to labels, then its processes of this round into the series. */
void tool_program_count(struct tool_program *program, uint64_t now_ns);

#endif
