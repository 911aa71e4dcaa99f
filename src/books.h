/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the books are: one range of addresses, reserved at once, touched only where used, whether it is ours alone or
 * published. Decided once, by whoever needs it first; until then, and where there is no memory for it, there are books
 * with the shared slots only.
 */
#ifndef TM_BOOKS_H
#define TM_BOOKS_H

#include "layout.h"

#include <stdbool.h>

extern struct tm__books *_Atomic tm__books __attribute__((visibility("hidden")));

/* Acquire, for their memory is new. */
static inline struct tm__books *tm__books_now(void)
{
    return atomic_load_explicit(&tm__books, memory_order_acquire);
}

/*
 * To be called before anything is written to the books; reads the options. Async-signal-safe, changes no errno. False
 * if there is only room for the shared slots.
 */
bool tm__open_books(void);

/* NULL if there is no memory for them. */
struct tm__flows *tm__flows_now(void);

#endif
