/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the library ought to say: a plain ledger, written from what the public headers promise, that knows nothing of
 * the library's sources but how many slots the table has. One thread at a time may use it.
 */
#ifndef FUZZ_LEDGER_H
#define FUZZ_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#include <threadmeter/tags.h>
#include <threadmeter/totals.h>

struct account;

/* What the calling thread allocates is charged to the account that is returned; when freed, it is credited there. */
struct account *ledger_charge(size_t size);
void ledger_credit(struct account *owner, size_t size);

/* Whether the calling thread has allocated before, or freed another's block. */
bool ledger_knows_me(void);

/* The calling thread's last destructors have run: what it still owns is an orphan's, what it yet allocates is late. */
void ledger_leave(void);

/* In a fork's child: all other threads are orphans. */
void ledger_after_fork(void);

/* Whether the account is the one that the caller charges now, and no other thread's. */
bool ledger_owns(const struct account *owner);

/*
 * Tags. The library opened one of this name, which has this number: it must be right. The others say what the library
 * ought to return, and do it.
 */
void ledger_open_tag(tm_tag number, unsigned name);
int ledger_close_tag(tm_tag number);
tm_tag ledger_enter(tm_tag tag);

/* A tag of which the ledger knows, open, ended or gone: the how-manieth. */
tm_tag ledger_any_tag(unsigned which);
void ledger_close_all_tags(void);

bool ledger_tag_is_open(tm_tag tag);

/* The caller has asked for something that wants an account. */
void ledger_attend(void);

/* Whether the caller has an account of its own; and charges one now. What limits count: live bytes in own accounts. */
bool ledger_has_own(void);
bool ledger_charges_own(void);
uint64_t ledger_live_of_caller(void);
uint64_t ledger_live_of_tag(tm_tag tag);

/* To be counted by who makes them. */
extern struct tm_cross_allocator_calls ledger_crossings;

/* Ends the process with a message unless the library says the same. The first changes nothing in the library. */
void ledger_compare(void);
void ledger_compare_slots(void);

/* The end of an input: no block and no thread is left. */
void ledger_expect_nothing(void);

/* What the harness finds wrong. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#define EXPECT(condition, ...) ((condition) ? (void)0 : fail(__VA_ARGS__))

#endif
