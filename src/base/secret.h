/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The random number by which we know that a header is ours. Code that writes past the end of a block cannot guess it.
 */
#ifndef TM_SECRET_H
#define TM_SECRET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A key that memory does not match by chance. 0 would be matched often: a list of free objects consists of addresses of
 * objects, each stored in the free object before it.
 */
#define TM__NO_KEY UINT64_C(0xd6e8feb86659fd93)

/*
 * TM__NO_SECRET until the first attach; then a random number, which is constant for the rest of the process, and in its
 * forks. The lower half scrambles the slot's number, and its highest bit is set: so neither small numbers in memory
 * that is not ours, nor constants that programs often store, look like slots of ours.
 */
#define TM__NO_SECRET TM__NO_KEY
extern uint64_t tm__secret __attribute__((visibility("hidden")));

/* Any thread may call this, also while another chooses the secret. Relaxed: see tm__choose_secret(). */
static inline uint64_t tm__known_secret(void)
{
    return __atomic_load_n(&tm__secret, __ATOMIC_RELAXED);
}

static inline bool tm__has_secret(void)
{
    return tm__known_secret() != TM__NO_SECRET;
}

/*
 * Chooses the secret, if no thread has yet; called before the first header is written. Async-signal-safe; if two
 * threads choose at once, both get the same.
 */
void tm__choose_secret(void);

#endif
