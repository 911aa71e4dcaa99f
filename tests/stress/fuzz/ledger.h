/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the library's totals must be: a plain ledger, written from what the public headers promise. It knows nothing of
 * the library's sources except how many slots the table has. Only one thread at a time may use it.
 */
#ifndef FUZZ_LEDGER_H
#define FUZZ_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#include <threadmeter/tags.h>
#include <threadmeter/totals.h>

struct account;

/* Charges a block to the calling thread, and returns the account, which must be credited when the block is freed. */
struct account *ledger_charge(size_t size);
void ledger_credit(struct account *owner, size_t size);

/* A charged block that realloc has resized, by the calling thread: what it was, and what it is. */
struct resized {
    struct account *owner;
    const void *from, *to; /* the same address: it stayed where it was */
    size_t from_size, to_size;
};

/* Credits and charges such a block, and returns the account that it is charged to now. */
struct account *ledger_realloc(const struct resized *resized);

/* Whether the calling thread has allocated before, or freed another's block. */
bool ledger_is_attached(void);

/* The calling thread's last destructors have run: its accounts become orphans, and what it still allocates is late. */
void ledger_leave(void);

/* To be called in the child of a fork: the accounts of all other threads become orphans. */
void ledger_after_fork(void);

/* Whether the account is the one that the caller charges now, and is not shared. */
bool ledger_owns(const struct account *owner);

/*
 * Tags. ledger_open_tag() checks the number that the library returned for this name. The next two do what the library
 * must do, and return what it must return.
 */
void ledger_open_tag(tm_tag number, unsigned name);
int ledger_close_tag(tm_tag number);
tm_tag ledger_enter(tm_tag tag);

/* The tag at this place (modulo their count) in the ledger, open or ended; 0 if there is none. */
tm_tag ledger_any_tag(unsigned which);
void ledger_close_all_tags(void);

bool ledger_tag_is_open(tm_tag tag);

/* Gives the calling thread an account, if it has none: it made a call that needs one. */
void ledger_attach(void);

/* Whether the caller has an account of its own, and whether it charges such a one now. */
bool ledger_has_own(void);
bool ledger_charges_own(void);

/* The live bytes that limits count: those in accounts that are not shared. */
uint64_t ledger_live_of_caller(void);
uint64_t ledger_live_of_tag(tm_tag tag);

/* The functions that make such calls count them here. */
extern struct tm_cross_allocator_calls ledger_cross_allocator_calls;

/*
 * Ends the process with a message unless the library's totals are the same. ledger_compare() changes nothing in the
 * library; ledger_compare_slots() lists the slots, which retires those of threads that ended without notice.
 */
void ledger_compare(void);
void ledger_compare_slots(void);

/* The end of an input: no block and no thread is left. */
void ledger_expect_nothing(void);

/* Ends the process with a message. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#define EXPECT(condition, ...) ((condition) ? (void)0 : fail(__VA_ARGS__))

#endif
