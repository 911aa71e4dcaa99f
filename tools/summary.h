/* SPDX-License-Identifier: BSD-3-Clause */
/* What a recording says as a whole. Knows nothing of how it is shown. */
#ifndef TM_SUMMARY_H
#define TM_SUMMARY_H

#include "recording.h"

/* A thread or a tag, as far as the recording saw it. */
struct account {
    uint64_t key; /* accounts are in order of it */
    uint64_t thread;
    int32_t tag;
    pid_t tid;
    uint64_t limit_bytes;       /* a tag's; 0: none */
    enum tm_slot_state state;   /* a thread's */
    bool there;                 /* in the last reading */
    char name[64];              /* the last one */
    struct tm_totals totals;    /* the last ones */
    uint64_t highest;           /* live bytes of all readings */
    uint64_t at_peak;           /* live bytes when the process's were highest */
    uint64_t at_end;            /* live bytes in the last reading */
    uint64_t allocated_before;  /* until the first reading */
    uint64_t first_ns, last_ns; /* elapsed; first_ns is the reading before it came */
};

struct accounts {
    struct account *list;
    size_t count, capacity;
};

/* The matrix thread x tag of one reading: `count` of its slots. */
struct matrix {
    struct tm_slot *slots;
    size_t count, capacity;
};

struct moment {
    uint64_t elapsed_ns, live;
};

struct summary {
    struct recording_info info;
    struct recording_rest rest;
    size_t reading_count;
    struct moment *moments; /* each reading's */
    size_t moment_capacity;
    struct moment peak; /* the first of those with the most live bytes */
    struct tm_totals first, process, retired;
    struct tm_crossings crossings;
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

uint64_t summary_duration_ns(const struct summary *summary);
/* Bytes a second, over the recording or as much of it as saw the account. */
uint64_t summary_rate(const struct summary *summary);
uint64_t account_rate(const struct account *account);

/* Among those of a reading; NULL if the recording did not see it. */
struct account *account_of_thread(const struct accounts *accounts, uint64_t thread, enum tm_slot_state state);
struct account *account_of_tag(const struct accounts *accounts, int32_t tag);

/* "worker", "(shared)"; for a tag, its name. As the program has it. */
const char *account_name(const struct account *account);

/* What several make together, as a row; peaks are a bound then. `sum` begins as summary_sum(). */
struct account summary_sum(const struct summary *summary);
void account_add(struct account *sum, const struct account *more);

/* The accounts by their peaks, the highest first; to be freed. */
const struct account **accounts_by_peak(const struct accounts *accounts);

#endif
