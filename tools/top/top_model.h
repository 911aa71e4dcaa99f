/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists of rows that are updated at each reading. A process, a thread and a tag are each a row: all are sorted,
 * filtered and followed over time in the same way.
 */
#ifndef TM_TOP_MODEL_H
#define TM_TOP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <threadmeter/reader.h>

enum { TOP_HISTORY = 60, TOP_NAME = 64, TOP_FILTER = 48 };
#define TOP_UNKNOWN UINT64_MAX

enum top_key { TOP_LIVE, TOP_PEAK, TOP_BLOCKS, TOP_RATE, TOP_OTHERS, TOP_BY_NAME, TOP_KEYS };

/* The groups come in this order; rows are sorted inside their group. */
enum top_group {
    TOP_CURRENT, /* running processes, live threads, open tags */
    TOP_UNSEEN,  /* processes that may or may not run: in another container, say */
    TOP_LEFT,    /* ended processes, orphans, ended tags */
    TOP_REST,    /* shared slots, and exited threads by name */
};

struct top_row {
    uint64_t id, birth; /* this pair identifies the row in its list, and is never used again for another one */
    enum top_group group;
    bool peak_is_bound;
    char name[TOP_NAME]; /* printable */
    pid_t number;        /* pid or tid; 0: none */
    uid_t uid;           /* of a process: the owner of its file */
    struct tm_totals totals;
    uint64_t rate;                 /* bytes allocated per second since the previous reading, or TOP_UNKNOWN */
    uint64_t threads;              /* of a process: how many threads are alive */
    uint64_t resident_bytes;       /* of a running process, else TOP_UNKNOWN */
    const char *state;             /* of a process: tool_state() */
    uint64_t limit_bytes;          /* of a tag; 0: none */
    size_t place;                  /* of a process: its index in the arrays in which callers keep more about it */
    size_t readings;               /* how many elements of the history are filled in */
    uint64_t history[TOP_HISTORY]; /* live bytes; the newest last */
};

struct top_list {
    struct top_row *rows; /* sorted by id and birth */
    size_t count, capacity;
    struct top_row *previous; /* the rows of the previous reading, while the list is filled */
    size_t previous_count, previous_capacity;
    bool all_seen;    /* a new row began after the previous reading, at 0: so its rate is known at once */
    uint64_t time_ns; /* of the newest reading */
    uint64_t elapsed; /* from the previous reading to the newest; 0: there is no previous one */
    size_t *shown;    /* indices of the rows that match the filter, sorted by the key */
    size_t shown_count, shown_capacity;
    enum top_key key;
    bool reversed;
    char filter[TOP_FILTER];
    size_t cursor; /* index into shown */
    size_t scroll; /* the first line of the list that is on the screen; set by the view */
};

/* A reading fills the list anew: begin, one put for each row, end. `time_ns` is of a monotonic clock. */
void tool_top_begin(struct top_list *list, uint64_t time_ns);
/* Returns the new row, with its rate and history. The caller fills in the rest, before the next put moves the rows. */
struct top_row *tool_top_put(struct top_list *list, uint64_t id, uint64_t birth, const struct tm_totals *totals);
void tool_top_end(struct top_list *list);
void tool_top_free(struct top_list *list);

/* Updates the totals, rate and history of one row. `elapsed` is 0 if there was no previous reading. */
void tool_top_follow(struct top_row *row, const struct tm_totals *totals, uint64_t elapsed);

void tool_top_sort(struct top_list *list, enum top_key key, bool reversed);
void tool_top_filter(struct top_list *list, const char *text); /* shows the names that contain it; case is ignored */
bool tool_top_passes(const char *name, const char *filter);
void tool_top_move(struct top_list *list, long by);                   /* the cursor; stops at both ends */
const struct top_row *tool_top_selected(const struct top_list *list); /* NULL if nothing is shown */
/* For all keys except rate and name; below 0 if a comes first. */
int tool_top_compare(const struct tm_totals *a, const struct tm_totals *b, enum top_key key);

const char *tool_top_key_name(enum top_key key);
bool tool_top_parse_key(const char *name, enum top_key *key);
/* Remote frees, in percent of the bytes freed; TOP_UNKNOWN if nothing was freed. */
uint64_t tool_top_share(const struct tm_totals *totals);

#endif
