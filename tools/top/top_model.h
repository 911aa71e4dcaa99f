/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists of rows that are read again and again. A process, a thread and a tag are all a row: they are sorted, filtered and
 * followed over time in the same way.
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

/* Rows of a group stay together, in this order, however they are sorted. */
enum top_group {
    TOP_CURRENT, /* running processes, live threads, open tags */
    TOP_UNSEEN,  /* processes of which cannot be told whether they run */
    TOP_LEFT,    /* ended processes, orphans, ended tags */
    TOP_REST,    /* shared slots, and what is gone */
};

struct top_row {
    uint64_t id, birth; /* both together name it in its list, and no other one, ever */
    enum top_group group;
    bool peak_is_bound;
    char name[TOP_NAME]; /* printable */
    pid_t number;        /* pid or tid; 0: it has none */
    uid_t uid;           /* of a process: whose file it is */
    struct tm_totals totals;
    uint64_t rate;                 /* bytes allocated per second since the reading before, or TOP_UNKNOWN */
    uint64_t threads;              /* of a process: living ones */
    uint64_t resident_bytes;       /* of a process that runs, else TOP_UNKNOWN */
    const char *state;             /* of a process: tool_state() */
    uint64_t limit_bytes;          /* of a tag; 0: none */
    size_t place;                  /* of a process: where the caller keeps more about it */
    size_t readings;               /* how many of the history there are */
    uint64_t history[TOP_HISTORY]; /* live bytes; the newest last */
};

struct top_list {
    struct top_row *rows; /* in order of id and birth */
    size_t count, capacity;
    struct top_row *before; /* while it is filled: the rows of the reading before */
    size_t before_count, before_capacity;
    bool all_seen;    /* a row that is new began since the reading before: its rate is known at once */
    uint64_t time_ns; /* of the newest reading */
    uint64_t elapsed; /* from the reading before to it; 0: there is none */
    size_t *shown;    /* indices of rows: those that the filter lets pass, sorted */
    size_t shown_count, shown_capacity;
    enum top_key key;
    bool reversed;
    char filter[TOP_FILTER];
    size_t cursor; /* index into shown */
    size_t scroll; /* the first of shown that is on the screen: the view's */
};

/* Fills a list anew: begin, a put for each row, end. Times are of a clock that only goes forward. */
void tool_top_begin(struct top_list *list, uint64_t time_ns);
/* The new row, which has its rate and history; all else is the caller's to fill in, until the next put. */
struct top_row *tool_top_put(struct top_list *list, uint64_t id, uint64_t birth, const struct tm_totals *totals);
void tool_top_end(struct top_list *list);
void tool_top_free(struct top_list *list);

/* Brings one row forward in time; elapsed 0: there was no reading before. */
void tool_top_follow(struct top_row *row, const struct tm_totals *totals, uint64_t elapsed);

void tool_top_sort(struct top_list *list, enum top_key key, bool reversed);
void tool_top_filter(struct top_list *list, const char *text); /* names that contain it, whatever their case */
bool tool_top_passes(const char *name, const char *filter);
void tool_top_move(struct top_list *list, long by);                   /* the cursor; stops at both ends */
const struct top_row *tool_top_selected(const struct top_list *list); /* NULL if nothing is shown */
/* By all keys but rate and name: below 0 if a comes first. */
int tool_top_compare(const struct tm_totals *a, const struct tm_totals *b, enum top_key key);

const char *tool_top_key_name(enum top_key key);
bool tool_top_parse_key(const char *name, enum top_key *key);
uint64_t tool_top_share(const struct tm_totals *totals); /* freed by others: percent of what was freed, or unknown */

#endif
