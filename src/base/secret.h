/* SPDX-License-Identifier: BSD-3-Clause */
/* The random number by which a header is known to be ours, and which nobody can guess who writes past a block's end. */
#ifndef TM_SECRET_H
#define TM_SECRET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A key that no memory yields by chance. 0 would be one that much does: the address of an object, in the free object
 * before it, is what a list of free objects is made of.
 */
#define TM__NO_KEY UINT64_C(0xd6e8feb86659fd93)

/*
 * TM__NO_SECRET until the first attach; then random, and constant for the life of the process and of its forks. The lower
 * half scrambles slots, and has its highest bit set: so small numbers in memory that is not ours are no slots of ours, nor
 * is any constant that programs have there.
 */
#define TM__NO_SECRET TM__NO_KEY
extern uint64_t tm__secret __attribute__((visibility("hidden")));

/* Any thread may ask, also while another is about to choose. Relaxed: see choose_secret(). */
static inline uint64_t tm__known_secret(void)
{
    return __atomic_load_n(&tm__secret, __ATOMIC_RELAXED);
}

static inline bool tm__has_secret(void)
{
    return tm__known_secret() != TM__NO_SECRET;
}

/* Chooses it, if nobody has: before the first header is written. Async-signal-safe; two that choose at once get the same. */
void tm__choose_secret(void);

#endif
