/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways to break the algorithm, one at a time by -D. Spin must find each; README.md says by which property. */
#ifndef NO_TURN /* the free list's head has no upper half, so an old view of it passes for the present one */
#define NO_TURN 0
#endif
#ifndef NO_CAS_GROW /* the table grows by a load and a store */
#define NO_CAS_GROW 0
#endif
#ifndef NO_CAS_RETIRE /* a thread that finds an orphan empty stores that it is free, without a compare-and-swap */
#define NO_CAS_RETIRE 0
#endif
#ifndef COUNTS_BEFORE_STATE /* retiring loads the sums before generation_state */
#define COUNTS_BEFORE_STATE 0
#endif
#ifndef GIVE_BEFORE_RESET /* the slot is in the free list before it is reset */
#define GIVE_BEFORE_RESET 0
#endif
#ifndef NO_GENERATION /* generation_state is the state alone */
#define NO_GENERATION 0
#endif
#ifndef NO_GIVE_BACK /* tm__thread.me is stored, not swapped: the slot that a signal handler took is lost */
#define NO_GIVE_BACK 0
#endif
#ifndef LEAVE_CHECKS_FIRST /* the owner checks whether its slot is empty before it makes it an orphan */
#define LEAVE_CHECKS_FIRST 0
#endif
#ifndef FREE_CHECKS_FIRST /* a remote free loads generation_state before it credits */
#define FREE_CHECKS_FIRST 0
#endif
#ifndef REAP_STORES /* a dead thread's slot becomes an orphan by a store, not by a compare-and-swap */
#define REAP_STORES 0
#endif
#ifndef REAP_WITHOUT_TGKILL /* every owner is taken for dead */
#define REAP_WITHOUT_TGKILL 0
#endif
#ifndef NEVER_REAPED /* no thread reaps slots, not even at the end */
#define NEVER_REAPED 0
#endif
#ifndef ALLOCATED_FIRST /* a reader loads allocations before frees */
#define ALLOCATED_FIRST 0
#endif
#ifndef LANES_KEPT /* threads keep their lanes in a slot that is used again */
#define LANES_KEPT 0
#endif
#ifndef ANNOUNCED_LATE /* a remote free is counted before it is announced */
#define ANNOUNCED_LATE 0
#endif
#ifndef NO_REREAD /* a reader does not load generation_state again */
#define NO_REREAD 0
#endif
#ifndef NO_CALL_BACK /* leases are read, and not called back */
#define NO_CALL_BACK 0
#endif
#ifndef LEASES_COUNT /* the same, and all of a lease counts as live */
#define LEASES_COUNT 0
#endif
#ifndef NO_SWAP /* the owner compares, and then stores, as with a watermark */
#define NO_SWAP 0
#endif
#ifndef NO_LARGER /* what was charged to a lease that was called back is in allocated_bytes alone */
#define NO_LARGER 0
#endif
#ifndef ONE_PASS /* each lease is called back just before its slot is added up */
#define ONE_PASS 0
#endif
#ifndef ROOM_STAYS /* a new limit leaves the old one's room */
#define ROOM_STAYS 0
#endif
#ifndef PROVEN_AT_ONCE /* a charge under way at the first limit is forgotten */
#define PROVEN_AT_ONCE 0
#endif
