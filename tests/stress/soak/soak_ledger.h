/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The soak's own books of who owns what, and their comparison with the library's. Knows nothing of workers and blocks.
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

enum { HANGS = 300 }; /* seconds after which something is said to hang: far more than any load explains */

/* One line on stderr, and the end with status 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A thread's account. Any worker credits it. It outlives its thread by as long as a block of it lives. */
struct ledger {
    _Atomic uint64_t allocated_bytes, allocated_blocks; /* these are the thread's alone, as are the next */
    _Atomic uint64_t freed_bytes, freed_blocks;
    _Atomic uint64_t remote_bytes, remote_blocks;
    _Atomic bool gone; /* the thread has been joined */
    uint32_t slot, generation;
    pid_t tid;
    struct ledger *next;
};

struct ledger *ledger_of_caller(void); /* new; the caller must have a slot */
struct ledger *ledger_of_nobody(void); /* for a thread that only frees */

void ledger_charge(struct ledger *self, size_t size);
void ledger_credit(struct ledger *owner, size_t size, const struct ledger *caller);

/* To be called all the time, by one thread: what holds at every moment. */
void check_while_working(void);

/*
 * All workers stand still. `alone`: in a child, whose threads are all gone. Also forgets the ledgers that are settled.
 */
void check_at_rest(bool alone, uint64_t foreign_frees, uint64_t foreign_reallocs);
void check_nothing_lives(void);

/* In a child that a worker forked: what must hold although other threads stopped anywhere. */
void check_slots_make_process(void);
void check_survivor(const struct ledger *survivor, int workers);

/* For the report: of the last rest, and of the whole run. */
struct rest {
    uint64_t live_bytes, live_blocks, orphans, highest_slot, rests, readings;
};
struct rest last_rest(void);

#endif
