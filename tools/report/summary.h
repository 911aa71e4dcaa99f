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
    uint64_t limit_bytes;       /* of a tag; 0: none */
    bool open;                  /* of a tag: true until tm_tag_close() */
    enum tm_slot_state state;   /* of a thread */
    size_t seen;                /* number of the last reading that saw it; the first is 1 */
    bool there;                 /* it is in the last reading of all */
    char name[64];              /* as last seen */
    struct tm_totals totals;    /* as last seen, too */
    uint64_t highest;           /* the most live bytes in any reading */
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
 * As many readings as a chart can show, however long the recording is: of each group of consecutive readings the
 * first one with the most live bytes. When there are MOMENTS groups, each two neighbouring ones become one.
 * So there are never more.
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
        unseen; /* what threads did that are gone and are in no reading: the process's total minus all others */
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

/* The totals to show. If the account is gone, nothing is live. */
struct tm__figures account_figures(const struct account *account);

/* "worker", "(shared)"; or the name of a tag: not yet safe to print. */
const char *account_name(const struct account *account);

/* Adds an account to the row of a sum; its peak is an upper bound then. `sum` begins as summary_sum(). */
struct account summary_sum(const struct summary *summary);
void account_add(struct account *sum, const struct account *more);

/* The state of a thread or a tag in one word, as in other outputs; "gone": it is not in the last reading. */
const char *account_state(const struct account *account);

/* The accounts sorted by their peaks, the highest first; for the caller to free. */
const struct account **accounts_by_peak(const struct accounts *accounts);

#endif
