/* SPDX-License-Identifier: BSD-3-Clause */
/* The ledger from inside: ledger.c keeps it, compare.c compares it with what the library says. */
#ifndef FUZZ_LEDGER_BOOKS_H
#define FUZZ_LEDGER_BOOKS_H

#include "support/counters.h"
#include "ledger.h"

/* As many accounts as the table has slots, so a thread finds none just when the library's has no slot. */
enum { LATE, OVERFLOW, FIRST_OWN, ACCOUNTS = FUZZ_TABLE_SLOTS, TAGS = 64, GONE = 256, ANY_TAG = -1 };

/* A thread that had an account of its own, as long as there is one. */
struct person {
    pid_t tid; /* 0: nobody */
    char name[16];
    struct tm_totals totals; /* since it began, in all its accounts */
};

/* What a thread has in a tag, or outside. */
struct account {
    bool in_use;
    bool spare; /* was for a tag that has ended: the thread's for the next */
    enum tm_slot_state state;
    struct person *person; /* NULL: shared */
    tm_tag tag;
    struct tm_totals totals;
};

struct tag {
    tm_tag number; /* 0: none yet. It may have come to its end */
    unsigned name;
    unsigned openings;
    struct tm_totals gone; /* of accounts that are no more; no peak */
};

extern struct books {
    struct account accounts[ACCOUNTS];
    struct person persons[ACCOUNTS];
    struct tag tags[TAGS];
    struct tm_totals retired; /* peak_bytes is not kept: there the library only promises a bound */
    uint64_t process_peak;
    pid_t gone[GONE]; /* some threads of which nothing is left */
    unsigned gone_count;
} books;

/* The calling thread. */
extern _Thread_local struct caller {
    struct account *account; /* that it charges; NULL before it is known */
    struct account *home;
    struct person *person; /* NULL: it has none of its own */
    tm_tag tag;
} caller;

/* All but the peaks. */

/* Of accounts that are in use: a person's (NULL: all), in a tag (or ANY_TAG). */
struct tm_totals ledger_sum(const struct person *person, tm_tag tag);

/* Known by number, ended or not; NULL if not. */
struct tag *ledger_tag(tm_tag number);

/* Open, or with an account. */
bool ledger_tag_lives(const struct tag *tag);

#endif
