/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of slots: threads that attach, allocate, free each other's blocks, leave or die without a word, while others
 * look at the slots. README.md says what stands for what; scripts/checks/test-model runs it, in the bounds below and others.
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef LIVES
#define LIVES 2 /* of each worker, one after another, with the same tid */
#endif
#ifndef SLOTS
#define SLOTS 1 /* 3 at most */
#endif
#ifndef FILLED
#define FILLED 0 /* slots that have been used, and are free, at the start */
#endif
#ifndef BLOCKS
#define BLOCKS 2 /* in all; 2 at most */
#endif
#define TENDER WORKERS /* also who checks, at the end */
#define PARTIES (WORKERS + 1)

#include "mutations.pml"
#include "table.pml"

byte made;           /* blocks so far */
byte ended;          /* threads that are through */
bool begun;          /* workers are alike, so the first that attaches is 0: half as much to try */
bool alive[PARTIES]; /* what tgkill says */

/* ---- src/meter/attach.c, src/state/slots.c, src/state/identity.c ---- */

inline leave(s)
{
#if LEAVE_LOOKS_FIRST
  count_left(s, COUNT);
#endif
  atomic { DRAINED; life[s] = LIFE(GENERATION(life[s]), ORPHAN); ghost_holder[s] = 0 };
  if
  :: left == 0 -> retire_if_empty(s)
  :: else -> left = 0
  fi
}

inline swap_to_orphan(s)
{
  atomic {
    DRAINED;
    if
    :: life[s] == seen_at_first || TEND_STORES -> life[s] = LIFE(GENERATION(seen_at_first), ORPHAN); won = true
    :: else
    fi
  }
}

inline tend(s)
{
  seen_at_first = life[s];
  retire_if_empty(s);
  if
  :: STATE(seen_at_first) == OWNED ->
     left = tid[s];
     if
     :: !alive[left] || TEND_ASKS_NOT ->
        left = 0;
        swap_to_orphan(s);
        if
        :: won -> won = false; retire_if_empty(s)
        :: else
        fi
     :: else -> left = 0
     fi
  :: else
  fi;
  seen_at_first = 0
}

inline tend_all()
{
  n = 1;
  do
  :: n <= used -> tend(n); n++
  :: else -> n = 0; break
  od
}

/* Whether it is time to search for the dead is left open, which is more than the code does. */
inline take_slot(slot)
{
  pop_free(slot);
  if
  :: slot == 0 ->
#ifdef SEARCH
     if
     :: true
     :: true -> tend_all()
     fi;
#endif
     pop_free(slot);
     if
     :: slot == 0 -> grow(slot)
     :: else
     fi
  :: else
  fi
}

/* The record, then `life`. */
inline own(s)
{
  atomic { DRAINED; tid[s] = me };
  write(CELL(s, NAME), GENERATION(life[s]) + 1);
  atomic { DRAINED; life[s] = LIFE(NO_GENERATION -> 0 : GENERATION(life[s]) + 1, OWNED); ghost_charged[s] = 0 }
}

/* A signal handler that allocates, and so attaches: the same steps in the middle of themselves. */
#ifdef HANDLER
#define INTERRUPTED                                                                                                    \
  if                                                                                                                   \
  :: true                                                                                                              \
  :: mine == 0 -> handler()                                                                                            \
  fi
#else
#define INTERRUPTED skip
#endif
inline handler()
{
  take_slot(mine);
  if
  :: mine != 0 -> own(mine)
  :: else
  fi
}

/* `mine` is tm__thread.me. */
inline attach()
{
  take_slot(slot);
  if
  :: slot != 0 ->
     INTERRUPTED;
     own(slot);
     INTERRUPTED;
     if
     :: mine == 0 || NO_GIVE_BACK ->
        mine = slot;
#ifdef HANDLER
        if
        :: true
        :: true -> mine = 0; leave(slot) /* pthread_setspecific() fails */
        fi
#endif
     :: else ->
        atomic { DRAINED; life[slot] = LIFE(GENERATION(life[slot]), FREE); ghost_holder[slot] = 0 };
        give_slot(slot)
     fi
  :: else
  fi;
  slot = 0
}

/* ---- src/state/slot.h, src/meter/, src/api/malloc.c ---- */

/* tm_malloc(), and the block is handed to whoever wants it. */
inline allocate()
{
  PROPERTY(ONE_OWNER, ghost_holder[mine] == me + 1 && STATE(life[mine]) == OWNED);
  d_step { ghost_living[mine]++; ghost_charged[mine]++ };
  add_one(CELL(mine, ALLOCATED + BYTES));
  add_one(CELL(mine, ALLOCATED + COUNT));
  write(HANDED_OVER(b), mine);
  b = 0
}

/* tm_free() of a block that the caller came to have. */
inline free_block()
{
  if
  :: slot == mine ->
     add_one(CELL(slot, FREED + BYTES));
     atomic { add_one(CELL(slot, FREED + COUNT)); ghost_living[slot]-- }
  :: else ->
#if FREE_LOOKS_FIRST
     seen_at_first = life[slot];
#endif
     add_one(CELL(slot, LANE(me) + BYTES));
     atomic { add_one(CELL(slot, LANE(me) + COUNT)); ghost_living[slot]-- };
#if !FREE_LOOKS_FIRST
     seen_at_first = life[slot];
#endif
     if
     :: STATE(seen_at_first) != OWNED -> retire_if_empty(slot)
     :: else
     fi;
     seen_at_first = 0
  fi;
  slot = 0
}

#define TAKE(b)                                                                                                        \
  atomic { BLOCKS > b && memory[HANDED_OVER(b)] != 0 -> slot = memory[HANDED_OVER(b)]; memory[HANDED_OVER(b)] = 0 }

proctype Worker(byte me)
{
  LOCALS;
  byte mine, slot, b, lives;
  bool guest; /* it got no slot: its blocks are charged elsewhere */
  do
  :: lives == LIVES -> break
  :: else ->
     atomic { lives++; alive[me] = true };
     do
     :: atomic { mine == 0 && !guest && (made < BLOCKS || BLOCKS == 0) && (me == 0 || begun) -> begun = true };
        attach();
        guest = (mine == 0)
     :: atomic { mine != 0 && made < BLOCKS -> b = made; made++ }; allocate()
     :: TAKE(0); free_block()
     :: TAKE(1); free_block()
     :: break
     od;
     if
     :: mine != 0 -> leave(mine); atomic { DRAINED; alive[me] = false }
#ifdef DIES
     :: mine != 0 -> atomic { DRAINED; alive[me] = false; ghost_holder[mine] = 0 } /* attached too late to be told */
#endif
     :: mine == 0 -> atomic { DRAINED; alive[me] = false }
     fi;
     d_step {
       mine = 0;
       guest = false;
       n = 1;
       do
       :: n <= SLOTS -> PROPERTY(ONE_SLOT, ghost_holder[n] != me + 1); n++
       :: else -> n = 0; break
       od
     }
  od;
  ended++
}

/* tm_each_slot(). */
proctype Tender(byte me)
{
  LOCALS;
  tend_all();
  ended++
}

#ifdef READER
#include "reader.pml"
#endif

/* All threads are gone, all stores have come through, and the slots have been tended once. */
inline check_at_rest()
{
  atomic {
    n = 1;
    do
    :: n <= used ->
       count_left(n, BYTES);
       PROPERTY(BALANCED, left == ghost_living[n]);
       count_left(n, COUNT);
       PROPERTY(BALANCED, left == ghost_living[n]);
       if
       :: STATE(life[n]) == FREE ->
          PROPERTY(NOTHING_LOST, ghost_listed[n]);
          PROPERTY(BALANCED, memory[CELL(n, BEFORE + BYTES)] == memory[CELL(n, ALLOCATED + BYTES)]);
          PROPERTY(BALANCED, memory[CELL(n, BEFORE + COUNT)] == memory[CELL(n, ALLOCATED + COUNT)]);
          PROPERTY(BALANCED, memory[CELL(n, BEFORE_OTHERS + BYTES)] == memory[CELL(n, BEFORE_OTHERS + COUNT)])
       :: else ->
          PROPERTY(NOTHING_LOST, !ghost_listed[n]);
          PROPERTY(NO_EMPTY_ORPHAN, ghost_living[n] > 0 && STATE(life[n]) == ORPHAN)
       fi;
       n++
    :: else -> break
    od;
    /* The list is as long as there are free slots. */
    n = 1;
    left = 0;
    do
    :: n <= used -> left = left + (STATE(life[n]) == FREE -> 1 : 0); n++
    :: else -> break
    od;
    head = free_list % 4;
    do
    :: head != 0 && left > 0 -> head = next_free[head]; left--
    :: else -> break
    od;
    PROPERTY(NOTHING_LOST, head == 0 && left == 0)
  }
}

init
{
  byte me = TENDER;
  LOCALS;
  byte looking; /* threads that only look */
  atomic {
    n = 1;
    do
    :: n <= FILLED ->
       life[n] = LIFE(1, FREE);
       next_free[n] = (n < FILLED -> n + 1 : 0);
       ghost_listed[n] = true;
       n++
    :: else -> break
    od;
    free_list = (FILLED > 0 -> 1 : 0);
    n = 0;
    do
    :: n < WORKERS -> run Worker(n); run Processor(n); n++
    :: else -> n = 0; break
    od;
    run Processor(TENDER);
#ifdef TEND
    run Tender(TENDER);
    looking++;
#endif
#ifdef READER
    run Reader()
#endif
  };
#ifndef READER
  ended == WORKERS + looking;
  do
  :: n < PARTIES && waiting[n] == 0 -> n++
  :: n == PARTIES -> n = 0; break
  od;
#if !NEVER_TENDED
  tend_all();
#endif
  DRAINED;
  check_at_rest()
#endif
}
