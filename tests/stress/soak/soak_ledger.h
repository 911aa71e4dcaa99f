/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The soak's own ledger of what each thread owns, and its comparison with the library's totals. It knows nothing of
 * workers and blocks.
 */
#ifndef TESTS_SOAK_LEDGER_H
#define TESTS_SOAK_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>

enum { HANGS = 300 }; /* seconds until a wait counts as a hang: far longer than any load explains */

/* Prints one line on stderr, and ends the process with status 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A thread's account. Any worker may credit it. It stays after the thread's exit while a block of it is live. */
struct ledger {
    _Atomic uint64_t allocated_bytes, allocated_blocks; /* only the thread itself changes these */
    _Atomic uint64_t freed_bytes, freed_blocks;         /* and these */
    _Atomic uint64_t remote_bytes, remote_blocks;
    _Atomic bool joined; /* the thread has exited */
    uint32_t slot, generation;
    pid_t tid;
    struct ledger *next;
};

struct ledger *ledger_of_caller(void); /* a new one; the caller must have a slot */
struct ledger *ledger_of_nobody(void); /* for a thread that only frees */

void ledger_charge(struct ledger *self, size_t size);
void ledger_credit(struct ledger *owner, size_t size, const struct ledger *caller);

/* Checks what is true at every moment. To be called all the time, by one thread only. */
void check_while_working(void);

/*
 * Compares all totals, while no worker runs. `alone`: in the child of a fork, which has no other thread. Also removes
 * the ledgers of threads that have exited and own nothing.
 */
void check_at_rest(bool alone, uint64_t foreign_frees, uint64_t foreign_reallocs);
void check_nothing_lives(void);

/* In a child that a worker forked: check what must be true although the other threads stopped at any point. */
void check_slots_make_process(void);
void check_survivor(const struct ledger *survivor, int workers);

/* For the report: live_bytes, live_blocks and orphans at the last rest, the others over the whole run. */
struct rest {
    uint64_t live_bytes, live_blocks, orphans, highest_slot, rests, readings;
};
struct rest last_rest(void);

#endif
