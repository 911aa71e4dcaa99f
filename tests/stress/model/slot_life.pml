/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How slots change hands: threads attach, allocate, free each other's blocks, and leave or die without notice, while
 * other threads read the slots. README.md says what each part models; scripts/checks/test-model runs it, with the
 * bounds below and others.
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
#define REAPER WORKERS /* the number of the reaper, and of the process that checks at the end */
#define PARTIES (WORKERS + 1)

#include "mutations.pml"
#include "table.pml"

byte made;           /* how many blocks were allocated */
byte ended;          /* how many processes have ended */
bool begun;          /* workers are alike, so only 0 may attach first: half as many orders to try */
bool alive[PARTIES]; /* what tgkill returns */

/* ---- src/state/identity.c, src/state/slots.c, src/meter/attach.c ---- */

inline leave_slot(s)
{
#if LEAVE_CHECKS_FIRST
  count_left(s, COUNT);
#endif
  atomic { DRAINED; generation_state[s] = WORD(GENERATION(generation_state[s]), ORPHAN); ghost_holder[s] = 0 };
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
    :: generation_state[s] == seen_at_first || REAP_STORES ->
       generation_state[s] = WORD(GENERATION(seen_at_first), ORPHAN);
       won = true
    :: else
    fi
  }
}

inline reap_slot(s)
{
  seen_at_first = generation_state[s];
  retire_if_empty(s);
  if
  :: STATE(seen_at_first) == OWNED ->
     left = tid[s];
     if
     :: !alive[left] || REAP_WITHOUT_TGKILL ->
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

inline reap_all()
{
  n = 1;
  do
  :: n <= used -> reap_slot(n); n++
  :: else -> n = 0; break
  od
}

/* A search for dead threads may happen here at any time, which is more often than in the code. */
inline take_slot(slot)
{
  pop_free(slot);
  if
  :: slot == 0 ->
#ifdef SEARCH
     if
     :: true
     :: true -> reap_all()
     fi;
#endif
     pop_free(slot);
     if
     :: slot == 0 -> grow(slot)
     :: else
     fi
  :: else
  fi;
#ifdef PEAKS
  if
  :: slot != 0 -> begin_lanes(slot)
  :: else
  fi
#endif
}

/* Writes the identity, then generation_state. */
inline open_slot(s)
{
  atomic { DRAINED; tid[s] = me };
  write(CELL(s, NAME), GENERATION(generation_state[s]) + 1);
  atomic {
    DRAINED;
    generation_state[s] = WORD(NO_GENERATION -> 0 : GENERATION(generation_state[s]) + 1, OWNED);
    ghost_charged[s] = 0
  }
}

/* A signal handler that allocates, and so attaches: the same steps, between the steps of the interrupted thread. */
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
  :: mine != 0 -> open_slot(mine)
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
     open_slot(slot);
     INTERRUPTED;
     if
     :: mine == 0 || NO_GIVE_BACK ->
        mine = slot;
#ifdef HANDLER
        if
        :: true
        :: true -> mine = 0; leave_slot(slot) /* pthread_setspecific() fails */
        fi
#endif
     :: else ->
        atomic {
          DRAINED;
          generation_state[slot] = WORD(GENERATION(generation_state[slot]), FREE);
          ghost_holder[slot] = 0
        };
        give_slot(slot)
     fi
  :: else
  fi;
  slot = 0
}

/* ---- src/state/slot.h, src/meter/credit.c, src/api/malloc.c ---- */

/* tm_malloc(). Any thread may free the block after that. */
inline allocate()
{
  PROPERTY(ONE_OWNER, ghost_holder[mine] == me + 1 && STATE(generation_state[mine]) == OWNED);
  d_step { ghost_live[mine]++; ghost_charged[mine]++ };
  add_one(CELL(mine, ALLOCATED + BYTES));
  add_one(CELL(mine, ALLOCATED + COUNT));
  write(OWNER_OF(b), mine);
  b = 0
}

/*
 * tm__own_remote_freed_bytes(), at any time: what it returns without reading the lanes is what they hold. What waits in
 * another thread's buffer is not done yet.
 */
inline look_for_peak()
{
  d_step {
    left = READ(CELL(mine, LANES_AT_START));
    i = 0;
    do
    :: i < WORKERS -> remote_bytes = remote_bytes + memory[CELL(mine, LANE(i) + BYTES)]; i++
    :: else -> break
    od;
    PROPERTY(NO_FREE_MISSED, left == UNKNOWN || left == remote_bytes);
    i = 0;
    left = 0;
    remote_bytes = 0
  }
}

/* The fast path needs the lane; otherwise the free is announced, and the lane taken by a swap. */
inline find_lane(s)
{
  if
  :: READ(CELL(s, HAS_LANE(me))) == 0 ->
     write(CELL(s, LANES_AT_START), UNKNOWN);
     atomic { DRAINED; memory[CELL(s, HAS_LANE(me))] = 1 }
  :: else
  fi
}

/* tm_free() of a block, which TAKE() has chosen. */
inline free_block()
{
  if
  :: slot == mine ->
     add_one(CELL(slot, FREED + BYTES));
     atomic { add_one(CELL(slot, FREED + COUNT)); ghost_live[slot]-- }
  :: else ->
#if FREE_CHECKS_FIRST
     seen_at_first = generation_state[slot];
#endif
#ifdef PEAKS
#if !ANNOUNCED_LATE
     find_lane(slot);
#endif
#endif
     add_one(CELL(slot, LANE(me) + BYTES));
#ifdef PEAKS
#if ANNOUNCED_LATE
     find_lane(slot);
#endif
#endif
     atomic { add_one(CELL(slot, LANE(me) + COUNT)); ghost_live[slot]-- };
#if !FREE_CHECKS_FIRST
     seen_at_first = generation_state[slot];
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
  atomic { BLOCKS > b && memory[OWNER_OF(b)] != 0 -> slot = memory[OWNER_OF(b)]; memory[OWNER_OF(b)] = 0 }

proctype Worker(byte me)
{
  LOCALS;
  byte mine, slot, b, lives;
  bool without_slot; /* it got none: its blocks are charged to a shared slot, which is not modelled */
  do
  :: lives == LIVES -> break
  :: else ->
     atomic { lives++; alive[me] = true };
     do
     :: atomic { mine == 0 && !without_slot && (made < BLOCKS || BLOCKS == 0) && (me == 0 || begun) -> begun = true };
        attach();
        without_slot = (mine == 0)
     :: atomic { mine != 0 && made < BLOCKS -> b = made; made++ }; allocate()
#ifdef PEAKS
     :: mine != 0 -> look_for_peak()
#endif
     :: TAKE(0); free_block()
     :: TAKE(1); free_block()
     :: break
     od;
     if
     :: mine != 0 -> leave_slot(mine); atomic { DRAINED; alive[me] = false }
#ifdef DIES
     /* Without notice: it attached after its last destructors. */
     :: mine != 0 -> atomic { DRAINED; alive[me] = false; ghost_holder[mine] = 0 }
#endif
     :: mine == 0 -> atomic { DRAINED; alive[me] = false }
     fi;
     d_step {
       mine = 0;
       without_slot = false;
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
proctype Reaper(byte me)
{
  LOCALS;
  reap_all();
  ended++
}

#ifdef READER
#include "reader.pml"
#endif

/* All threads have exited, all stores have reached the memory, and the slots have been reaped once. */
inline check_at_rest()
{
  atomic {
    n = 1;
    do
    :: n <= used ->
       count_left(n, BYTES);
       PROPERTY(BALANCED, left == ghost_live[n]);
       count_left(n, COUNT);
       PROPERTY(BALANCED, left == ghost_live[n]);
       if
       :: STATE(generation_state[n]) == FREE ->
          PROPERTY(NOTHING_LOST, ghost_listed[n]);
          PROPERTY(BALANCED, memory[CELL(n, BEFORE + BYTES)] == memory[CELL(n, ALLOCATED + BYTES)]);
          PROPERTY(BALANCED, memory[CELL(n, BEFORE + COUNT)] == memory[CELL(n, ALLOCATED + COUNT)]);
          PROPERTY(BALANCED, memory[CELL(n, BEFORE_REMOTE + BYTES)] == memory[CELL(n, BEFORE_REMOTE + COUNT)])
       :: else ->
          PROPERTY(NOTHING_LOST, !ghost_listed[n]);
          PROPERTY(NO_EMPTY_ORPHAN, ghost_live[n] > 0 && STATE(generation_state[n]) == ORPHAN)
       fi;
       n++
    :: else -> break
    od;
    /* The list is as long as there are free slots. */
    n = 1;
    left = 0;
    do
    :: n <= used -> left = left + (STATE(generation_state[n]) == FREE -> 1 : 0); n++
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
  byte me = REAPER;
  LOCALS;
  byte other_threads; /* how many processes are no workers, but must end too */
  atomic {
    n = 1;
    do
    :: n <= FILLED ->
       generation_state[n] = WORD(1, FREE);
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
    run Processor(REAPER);
#ifdef REAP
    run Reaper(REAPER);
    other_threads++;
#endif
#ifdef READER
    run Reader()
#endif
  };
#ifndef READER
  ended == WORKERS + other_threads;
  do
  :: n < PARTIES && waiting[n] == 0 -> n++
  :: n == PARTIES -> n = 0; break
  od;
#if !NEVER_REAPED
  reap_all();
#endif
  DRAINED;
  check_at_rest()
#endif
}
