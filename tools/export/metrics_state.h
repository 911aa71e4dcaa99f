/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state that is kept from round to round: metrics_processes.c keeps what was seen of each process,
 * metrics_programs.c which programs have series, metrics_count.c the series.
 */
#ifndef TM_METRICS_STATE_H
#define TM_METRICS_STATE_H

#include "export/metrics.h"
#include "export/metrics_labels.h"

enum { TOOL_PROGRAMS = 100 };

/* Gauges: what is live in this round. */
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

/* The processes of one name; and of one user, if users are separate. */
struct tool_metrics_program {
    char name[TOOL_LABEL];
    char uid[16]; /* "": users are not separate */
    uint64_t seen_ns;
    size_t since_round;
    struct tool_process *processes_now; /* those of this round */
    struct tool_labels threads, tags;
    size_t series_count;
    struct tool_series *series;
    uint32_t *series_at; /* [thread * tags.count + tag]: the series' index plus 1; 0: none */
    /* The totals that its processes publish; the series must add up to them. */
    struct tm_totals counted;
    struct tool_gauges now;
    uint64_t peak_bytes, resident_bytes, processes, unknown, crashed;
    uint64_t crashes; /* counted */
    struct tm_cross_allocator_calls cross_allocator_calls;
};

/* One thread in one tag of a process; (slot, generation) identifies it. */
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
struct tool_seen_tag {
    int32_t tag;
    char name[TOOL_LABEL];
    uint64_t limit_bytes;
    struct tm_totals now;
    struct tm_totals present; /* the part that is in accounts now */
    struct tm_totals gone;    /* what was counted of accounts that are gone */
    struct tm_totals exited;  /* what was counted, but was never seen in an account */
};

struct tool_process {
    uint64_t device, inode, started_ns;
    struct tool_metrics_program *program; /* in this round */
    struct tool_process *next;            /* of its program */
    bool counts;                          /* what it did before it was first seen is counted, too */
    bool crash_counted;
    bool is_new, runs; /* or may run */
    unsigned missed;   /* rounds since it was seen; 0: in this one */
    uint64_t seen_ns;  /* when that was: CLOCK_MONOTONIC */
    size_t account_count;
    struct tool_account *accounts; /* by slot */
    size_t thread_count;
    struct tool_thread *threads;
    size_t seen_tag_count;
    struct tool_seen_tag *seen_tags; /* by tag */
    struct tm_totals now, counted;
    struct tm_totals retired, gone, exited;                /* as in struct tool_seen_tag */
    struct tm_cross_allocator_calls cross_allocator_calls; /* counted */
};

struct tool_metrics {
    size_t top_threads, top_tags;
    bool by_user;
    uid_t own_uid;
    struct tool_moment began[3]; /* the last three rounds, this one last; before the first: when all began */
    uint64_t forgotten_ns;       /* when the last one of the forgotten processes was seen; 0: none was forgotten */
    size_t rounds, unreadable, left_out;
    size_t program_count;
    struct tool_metrics_program *programs[TOOL_PROGRAMS]; /* the first is TOOL_OTHER */
    size_t process_count;
    struct tool_process **processes;
    void *by_identity; /* the same, for tsearch() */
};

#endif
