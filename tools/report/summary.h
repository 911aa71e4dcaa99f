/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums up a whole recording. This file does not know how the summary is shown. */
#ifndef TM_SUMMARY_H
#define TM_SUMMARY_H

#include "base/columns.h"
#include "recording/recording_read.h"

/* A thread or a tag, as far as the recording saw it. */
struct account {
    uint64_t key; /* identifies it */
    uint64_t thread;
    int32_t tag;
    pid_t tid;
    uint64_t limit_bytes;       /* a tag's; 0: none */
    bool open;                  /* a tag, until tm_tag_close() */
    enum tm_slot_state state;   /* a thread's */
    size_t seen;                /* number of the last reading that saw it; the first is 1 */
    bool there;                 /* in the last of all readings */
    char name[64];              /* the last one */
    struct tm_totals totals;    /* the last ones */
    uint64_t highest;           /* live bytes of all readings */
    uint64_t at_peak;           /* live bytes when the process's were highest */
    uint64_t at_end;            /* live bytes in the last reading */
    uint64_t allocated_before;  /* until the first reading */
    uint64_t first_ns, last_ns; /* elapsed; first_ns is the reading before it came */
};

/* In the order in which they were first seen. A hash table finds each one in constant time. */
struct accounts {
    struct account *list;
    size_t count, capacity;
    uint32_t *places;   /* indices of `list`, plus 1; 0: none. If a place is taken, the key is at the next free one */
    size_t place_count; /* a power of two, at least twice `capacity` */
    uint64_t secret[2]; /* else the author of a recording could choose keys that all have the same hash */
};

/* The matrix thread x tag of one reading: `count` of its slots. */
struct matrix {
    struct tm_slot *slots;
    size_t count, capacity;
};

struct moment {
    uint64_t elapsed_ns, live;
    size_t reading; /* its number; the first is 0 */
};

/*
 * As many readings as a chart has room for, however long the recording is: of each so many that follow each other the
 * one with the most live bytes, the first of those. So that they are never more than MOMENTS, each two become one when
 * they are as many.
 */
enum { MOMENTS = 2000 };
struct moments {
    struct moment list[MOMENTS];
    size_t count, readings_each;
};

struct summary {
    struct recording_info info;
    struct recording_rest rest;
    size_t reading_count;
    struct moments moments;
    struct moment peak; /* the first of those with the most live bytes */
    uint64_t last_ns;   /* elapsed, of the last reading */
    struct tm_totals first, process, retired;
    struct tm_cross_allocator_calls cross_allocator_calls;
    uint64_t resident, resident_peak; /* the last known, and the highest; 0: not known */
    struct accounts threads, tags;
    struct account
        unseen; /* what threads did that are gone by now, and no reading told of: all others less than the process */
    struct matrix at_peak, at_end;
    bool flow_on;
    struct tm_flow *flows;
    size_t flow_count;
};

/* Reads the recording to its end. False, with a message on stderr, if there is nothing in it. */
bool summary_make(struct summary *summary, struct recording *recording, const char *path);
void summary_free(struct summary *summary);

/* Bytes per second, over the part of the recording in which the account was seen. */
uint64_t summary_rate(const struct summary *summary);
uint64_t account_rate(const struct account *account);

/* What is shown of it. Of one that is gone nothing is live. */
struct tm__figures account_figures(const struct account *account);

/* "worker", "(shared)"; for a tag, its name. As the program has it. */
const char *account_name(const struct account *account);

/* What several make together, as a row; peaks are a bound then. `sum` begins as summary_sum(). */
struct account summary_sum(const struct summary *summary);
void account_add(struct account *sum, const struct account *more);

/* Of a thread or a tag, in one word, as in other outputs; or "gone": not in the last reading. */
const char *account_state(const struct account *account);

/* The accounts by their peaks, the highest first; to be freed. */
const struct account **accounts_by_peak(const struct accounts *accounts);

#endif
