/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of the ledger: ledger.c changes it, compare.c compares it with the library's totals. */
#ifndef FUZZ_LEDGER_STATE_H
#define FUZZ_LEDGER_STATE_H

#include "support/counters.h"
#include "ledger.h"

/* There are as many accounts as the table has slots, so both are full at the same time. */
enum { LATE, OVERFLOW, FIRST_OWN, ACCOUNTS = FUZZ_TABLE_SLOTS, TAGS = 64, EXITED = 256, ANY_TAG = -1 };

/* A thread that has accounts of its own; also after its exit, as long as there is one. */
struct thread {
    pid_t tid; /* 0: this element is not in use */
    char name[16];
    struct tm_totals totals; /* since it began, in all its accounts */
};

/* What a thread has in one tag, or in no tag. */
struct account {
    bool in_use;
    bool is_home; /* the thread's first */
    bool waits;   /* not in use, but not free either: a home slot, while slots of its thread's tags have blocks */
    bool spare;   /* its tag has ended, and it was empty: the thread uses it for the next tag */
    enum tm_slot_state state;
    struct thread *thread; /* NULL: shared */
    tm_tag tag;
    struct tm_totals totals;
};

struct tag {
    tm_tag number; /* 0: this element is not in use. The tag may have ended */
    unsigned name;
    unsigned openings;
    struct tm_totals closed_accounts; /* the sum over the tag's accounts that are closed; without a peak */
};

extern struct ledger {
    struct account accounts[ACCOUNTS];
    struct thread threads[ACCOUNTS];
    struct tag tags[TAGS];
    struct tm_totals retired; /* without peak_bytes, for which the library promises a bound only */
    uint64_t process_peak;
    pid_t exited[EXITED]; /* the last threads that exited and whose accounts are all closed */
    unsigned exited_count;
} ledger;

/* The calling thread. */
extern _Thread_local struct caller {
    struct account *account; /* the one that it charges; NULL before its first allocation */
    struct account *home;
    struct thread *thread; /* NULL: it has no account of its own */
    tm_tag tag;
} caller;

/* The sum of the accounts in use of this thread (NULL: of all) in this tag (or ANY_TAG), without the peaks. */
struct tm_totals ledger_sum(const struct thread *thread, tm_tag tag);

/* The tag with this number, open or ended; NULL if the ledger has none. */
struct tag *ledger_tag(tm_tag number);

/* Whether the tag is open or has an account. */
bool ledger_tag_lives(const struct tag *tag);

#endif
