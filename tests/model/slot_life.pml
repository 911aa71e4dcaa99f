/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of slots: threads that attach, allocate, free each other's blocks, leave or die without a word, while others
 * look at the slots. README.md says what stands for what.
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef LIVES
#define LIVES 2 /* of each worker, one after another */
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef FILLED
#define FILLED 0 /* slots that have been used, and are free, at the start */
#endif
#ifndef BLOCKS
#define BLOCKS 2 /* in all */
#endif
#define TENDER WORKERS
#define PARTIES (WORKERS + 1)
#ifdef TEND
#define LOOKING 1
#else
#define LOOKING 0
#endif

#include "table.pml"

byte made;           /* blocks so far */
byte ended; /* threads that are through */
bool begun;          /* workers are alike, so the first that attaches is 0: half as much to try */
bool alive[PARTIES]; /* what tgkill says */

/* ---- src/threads.c ---- */

inline leave(s)
{
#ifdef LEAVE_LOOKS_FIRST /* mutation: looks whether anything is left, and only then says that it is gone */
  left = READ(CELL(s, ALLOCATED_BLOCKS)) - READ(CELL(s, FREED_BLOCKS));
  i = 0;
  do
  :: i < WORKERS -> d_step { left = left - READ(CELL(s, LANE_BLOCKS(i))); i++ }
  :: else -> break
  od;
  i = 0;
#endif
  seen = life[s];
  atomic { DRAINED; life[s] = LIFE(GENERATION(seen), ORPHAN); ghost_holder[s] = 0 };
#ifdef LEAVE_LOOKS_FIRST
  if
  :: left == 0 -> left = 0; retire_if_empty(s)
  :: else -> left = 0
  fi;
#else
  retire_if_empty(s);
#endif
  seen = 0
}

inline swap_to_orphan(s)
{
  atomic {
    DRAINED;
    if
#if defined TEND_STORES /* mutation: no compare */
    :: true ->
#else
    :: life[s] == seen_at_first ->
#endif
       life[s] = LIFE(GENERATION(seen_at_first), ORPHAN); won = true
#ifndef TEND_STORES
    :: else
#endif
    fi
  }
}

/* Of a slot that is not the caller's. */
inline tend(s)
{
  seen_at_first = life[s];
  retire_if_empty(s);
  if
  :: STATE(seen_at_first) == OWNED ->
     left = tid[s];
     if
#ifdef TEND_ASKS_NOT /* mutation */
     :: true ->
#else
     :: !alive[left] ->
#endif
        left = 0;
        swap_to_orphan(s);
        if
        :: won -> won = false; retire_if_empty(s)
        :: else
        fi
#ifndef TEND_ASKS_NOT
     :: else -> left = 0
#endif
     fi
  :: else
  fi;
  seen_at_first = 0
}

inline tend_all(mine)
{
  n = 1;
  do
  :: n <= used && n != mine -> tend(n); n++
  :: n <= used && n == mine -> n++
  :: else -> break
  od;
  n = 0
}

/* threads.c's take_slot(). Whether it is time to look for the dead is left open, which is more than the code does. */
inline take_slot(slot)
{
  pop_free(slot);
  if
  :: slot == 0 ->
#ifdef SEARCH
     if
     :: true
     :: true -> tend_all(0)
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

#ifdef NO_GENERATION /* mutation */
#define NEXT_GENERATION(life) 0
#else
#define NEXT_GENERATION(life) (GENERATION(life) + 1)
#endif

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
  pop_free(mine);
  if
  :: mine == 0 -> grow(mine)
  :: else
  fi;
  if
  :: mine != 0 ->
     atomic { DRAINED; tid[mine] = me };
     write(CELL(mine, NAME), GENERATION(life[mine]) + 1);
     atomic { DRAINED; life[mine] = LIFE(GENERATION(life[mine]) + 1, OWNED); ghost_charged[mine] = 0 }
  :: else
  fi
}

/* tm__attach() up to its swap of tm__me. */
inline claim(slot)
{
  take_slot(slot);
  if
  :: slot != 0 ->
     atomic { DRAINED; tid[slot] = me };
     write(CELL(slot, NAME), GENERATION(life[slot]) + 1);
     seen = life[slot];
     INTERRUPTED;
     atomic { DRAINED; life[slot] = LIFE(NEXT_GENERATION(seen), OWNED); ghost_charged[slot] = 0 }
  :: else
  fi
}

inline attach()
{
  claim(slot);
  if
  :: slot != 0 ->
     INTERRUPTED;
     if
     :: mine == 0 ->
        mine = slot
#ifdef HANDLER
        ;
        if
        :: true
        :: true -> mine = 0; leave(slot) /* pthread_setspecific() fails */
        fi
#endif
     :: else ->
#ifdef NO_GIVE_BACK /* mutation: the swap of tm__me is a store */
        mine = slot
#else
        atomic { DRAINED; life[slot] = LIFE(GENERATION(seen) + 1, FREE); ghost_holder[slot] = 0 };
        give_slot(slot)
#endif
     fi
  :: else
  fi;
  d_step { slot = 0; seen = 0 }
}

/* ---- src/slot.h, src/account.c, src/malloc.c ---- */

/* tm_malloc(), and the block is handed to whoever wants it. */
inline allocate()
{
  PROPERTY(ONE_OWNER, ghost_holder[mine] == me + 1 && STATE(life[mine]) == OWNED);
  d_step { ghost_living[mine]++; ghost_charged[mine]++ };
  add_one(CELL(mine, ALLOCATED_BYTES));
  add_one(CELL(mine, ALLOCATED_BLOCKS));
  write(BLOCK(b), mine);
  b = 0
}

/* tm_free() of a block that the caller came to have. */
inline free_block()
{
  if
  :: slot == mine ->
     add_one(CELL(slot, FREED_BYTES));
     atomic { add_one(CELL(slot, FREED_BLOCKS)); ghost_living[slot]-- }
  :: else ->
#ifdef FREE_LOOKS_FIRST /* mutation: looks at `life` before it credits */
     seen_at_first = life[slot];
#endif
     add_one(CELL(slot, LANE_BYTES(me)));
     atomic { add_one(CELL(slot, LANE_BLOCKS(me))); ghost_living[slot]-- };
#ifndef FREE_LOOKS_FIRST
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

#define TAKE(b) atomic { BLOCKS > b && memory[BLOCK(b)] != 0 -> slot = memory[BLOCK(b)]; memory[BLOCK(b)] = 0 }

proctype Worker(byte me)
{
  LOCALS;
  byte mine, slot, b, lives;
  bool guest;
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
     atomic { mine = 0; guest = false }
  od;
  ended++
}

proctype Tender(byte me)
{
  LOCALS;
  tend_all(0);
  ended++
}

#ifdef READER
#include "reader.pml"
#endif

/* All threads are gone, and all stores have come through. */
inline check_at_rest()
{
  d_step {
    n = 1;
    do
    :: n <= used ->
       PROPERTY(BALANCED, memory[CELL(n, ALLOCATED_BLOCKS)] == memory[CELL(n, ALLOCATED_BYTES)]);
       left = memory[CELL(n, ALLOCATED_BLOCKS)] - memory[CELL(n, FREED_BLOCKS)];
       seen = memory[CELL(n, ALLOCATED_BYTES)] - memory[CELL(n, FREED_BYTES)];
       i = 0;
       do
       :: i < WORKERS ->
          left = left - memory[CELL(n, LANE_BLOCKS(i))];
          seen = seen - memory[CELL(n, LANE_BYTES(i))];
          i++
       :: else -> break
       od;
       PROPERTY(BALANCED, left == ghost_living[n] && seen == ghost_living[n]);
       if
       :: STATE(life[n]) == FREE ->
          PROPERTY(NOTHING_LOST, ghost_listed[n]);
          PROPERTY(BALANCED, memory[CELL(n, BEFORE_BYTES)] == memory[CELL(n, ALLOCATED_BYTES)]);
          PROPERTY(BALANCED, memory[CELL(n, BEFORE_BLOCKS)] == memory[CELL(n, ALLOCATED_BLOCKS)]);
          PROPERTY(BALANCED, memory[CELL(n, BEFORE_OTHERS_BYTES)] == memory[CELL(n, BEFORE_OTHERS_BLOCKS)])
       :: else ->
          PROPERTY(NOTHING_LOST, !ghost_listed[n]);
          PROPERTY(NO_EMPTY_ORPHAN, ghost_living[n] > 0 && STATE(life[n]) == ORPHAN)
       fi;
       n++
    :: else -> break
    od;
    /* The list is as long as there are free slots: each is in it once. */
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
    :: else -> break
    od;
    n = 0;
    run Processor(TENDER);
#ifdef TEND
    run Tender(TENDER);

#endif
#ifdef READER
#ifndef NOREADER
    run Reader();
#endif
#endif
  };
#ifndef READER
  ended == WORKERS + LOOKING;
  do
  :: n < PARTIES && waiting[n] == 0 -> n++
  :: n == PARTIES -> n = 0; break
  od;
#ifndef NEVER_TENDED
  tend_all(0);
#endif
  DRAINED;
  check_at_rest()
#endif
}
