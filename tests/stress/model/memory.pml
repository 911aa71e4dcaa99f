/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of an x86-64 processor: the stores of a thread wait in a buffer of its own, in order, until they reach the
 * memory. The thread itself sees them at once, all other threads only then. With -DSEQUENTIAL all see them at once.
 * `me` is the number of the thread that runs.
 */
#define DEPTH 2 /* how many stores may wait: those of one free */

byte memory[ADDRESSES];
byte waiting[PARTIES];
byte address[PARTIES * DEPTH];
byte value[PARTIES * DEPTH];
#define OLDEST (me * DEPTH)
#ifndef REACHED /* what the model does when a store to an address reaches the memory */
#define REACHED(a) skip
#endif

#define DRAINED (waiting[me] == 0) /* a locked instruction, atomic_store among them, waits for this */

/* A load: the newest of the thread's own stores, or the memory. */
#define READ(a)                                                                                                        \
  ((waiting[me] == 2 && address[OLDEST + 1] == (a)) -> value[OLDEST + 1]                                                 \
   : ((waiting[me] >= 1 && address[OLDEST] == (a)) -> value[OLDEST] : memory[a]))

/* A plain store. */
inline write(a, v)
{
#ifdef SEQUENTIAL
  memory[a] = v
#else
  d_step {
    waiting[me] < DEPTH;
    value[OLDEST + waiting[me]] = v;
    address[OLDEST + waiting[me]] = a;
    waiting[me]++
  }
#endif
}

/* tm__add_own() of 1: one instruction on x86-64, without a lock. */
inline add_one(a)
{
#ifdef SEQUENTIAL
  memory[a] = memory[a] + 1
#else
  d_step {
    waiting[me] < DEPTH;
    value[OLDEST + waiting[me]] = READ(a) + 1; /* before the address, which READ loads */
    address[OLDEST + waiting[me]] = a;
    waiting[me]++
  }
#endif
}

/* The oldest store reaches the memory, at any time. */
proctype Processor(byte me)
{
end:
  do
  :: d_step {
       !DRAINED;
       memory[address[OLDEST]] = value[OLDEST];
       REACHED(address[OLDEST]);
       address[OLDEST] = address[OLDEST + 1];
       value[OLDEST] = value[OLDEST + 1];
       address[OLDEST + 1] = 0;
       value[OLDEST + 1] = 0;
       waiting[me]--;
       if
       :: DRAINED -> address[OLDEST] = 0; value[OLDEST] = 0
       :: else
       fi
     }
  od
}
