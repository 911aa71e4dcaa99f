/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways to break the algorithm, one at a time by -D: each is to be found. README.md says by what, and what it shows. */
#ifndef NO_TURN /* the free list's head has no upper half, so an old view of it passes for the present one */
#define NO_TURN 0
#endif
#ifndef NO_CAS_GROW /* the table grows by a load and a store */
#define NO_CAS_GROW 0
#endif
#ifndef NO_CAS_RETIRE /* whoever finds an orphan empty stores that it is free */
#define NO_CAS_RETIRE 0
#endif
#ifndef COUNTS_BEFORE_LIFE /* retiring: first the sums, then `life` that they are to belong to */
#define COUNTS_BEFORE_LIFE 0
#endif
#ifndef GIVE_BEFORE_SETTLE /* the slot is in the free list before its books are closed */
#define GIVE_BEFORE_SETTLE 0
#endif
#ifndef NO_GENERATION /* `life` is the state alone */
#define NO_GENERATION 0
#endif
#ifndef NO_GIVE_BACK /* tm__thread.me is stored, not swapped: a signal handler's slot is forgotten */
#define NO_GIVE_BACK 0
#endif
#ifndef LEAVE_LOOKS_FIRST /* the owner counts what is left before it says that it is gone */
#define LEAVE_LOOKS_FIRST 0
#endif
#ifndef FREE_LOOKS_FIRST /* a free by another reads `life` before it credits */
#define FREE_LOOKS_FIRST 0
#endif
#ifndef TEND_STORES /* the dead's slot becomes an orphan by a store */
#define TEND_STORES 0
#endif
#ifndef TEND_ASKS_NOT /* whoever tends takes every thread for dead */
#define TEND_ASKS_NOT 0
#endif
#ifndef NEVER_TENDED /* nobody tends, at the end neither */
#define NEVER_TENDED 0
#endif
#ifndef ALLOCATED_FIRST /* a reader takes allocations before frees */
#define ALLOCATED_FIRST 0
#endif
#ifndef NO_REREAD /* a reader does not look at `life` again */
#define NO_REREAD 0
#endif
