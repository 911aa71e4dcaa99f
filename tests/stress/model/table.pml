/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * src/state/slots.c: taking, giving and retiring slots. Each step before which another thread can do something is a
 * step here; each function of the code is an inline of the same name. What only the model knows (which thread has a
 * slot, how many of its blocks are live) is in `ghost_` variables, which no step of the code reads.
 */

#define FREE 0
#define OWNED 1
#define ORPHAN 2
/* One word, so that one compare-and-swap changes both. */
#define WORD(generation, state) ((generation) * 4 + (state))
#define STATE(word) ((word) % 4)
#define GENERATION(word) ((word) / 4)

/* What is stored by plain instructions is in the memory with store buffers. Slots are 1, 2, 3; 0 is none. */
#ifdef PEAKS
#define ROW (10 + 3 * WORKERS)
#else
#define ROW (9 + 2 * WORKERS)
#endif
#define CELL(s, field) (((s) - 1) * ROW + field)
#define BYTES 0 /* BYTES or COUNT is added to ALLOCATED, FREED and so on: which of the two counters */
#define COUNT 1
#define ALLOCATED 0
#define FREED 2
#define BEFORE 4
#define BEFORE_REMOTE 6
#define NAME 8                /* the generation that wrote it */
#define LANE(t) (9 + 2 * (t)) /* the lane of thread t, which alone writes it */
#define HAS_LANE(t) (9 + 2 * WORKERS + (t)) /* whether t is the lane's writer; this and the next with -DPEAKS only */
#define LANES_AT_START (9 + 3 * WORKERS)
#define UNKNOWN 255
#define OWNER_OF(b) (SLOTS * ROW + (b)) /* the slot in the header of a block that any thread may free; or 0 */
#define ADDRESSES (SLOTS * ROW + BLOCKS)

#include "memory.pml"
#include "property.pml"

byte generation_state[SLOTS + 1];
byte next_free[SLOTS + 1];
byte tid[SLOTS + 1];
byte used = FILLED; /* slots 1 to `used` have been taken once */
byte free_list;     /* 4 * operations so far + first slot */

byte ghost_holder[SLOTS + 1];  /* the thread that has the slot, + 1 */
byte ghost_live[SLOTS + 1];  /* blocks */
byte ghost_charged[SLOTS + 1]; /* blocks, by this generation */
byte ghost_freed[SLOTS + 1];   /* the generation that was freed last, + 1 */
bool ghost_listed[SLOTS + 1];

#define ONE_OWNER 1              /* a slot is taken by one thread at a time, and charged by that alone */
#define FREED_ONCE 2             /* a generation is freed once, and a slot is in the free list once */
#define NOT_WHILE_BLOCKS_LIVE 3  /* no slot is freed that a live block is charged to */
#define NOT_WHILE_THREAD_LIVES 4 /* no slot is freed whose thread lives */
#define BALANCED 5               /* at rest: allocated - freed is what is live, and `before` agrees with it */
#define ONE_GENERATION 6         /* the name and the counters that a reader returns are of one generation */
#define NEVER_NEGATIVE 7         /* a reader returns no negative number: live, freed by the owner, remote frees */
#define NO_EMPTY_ORPHAN 8        /* at rest: each slot that is not free is an orphan with a live block */
#define NOTHING_LOST 9           /* at rest: each slot that is free is in the free list */
#define ONE_SLOT 10              /* a thread that has exited owns no slot */
#define NO_FREE_MISSED 11        /* a thread that does not read its lanes misses no remote free */

/* With a reader, what it cannot see is one step: configurations without a reader try all orders of those steps. */
#ifdef READER
#define UNSEEN atomic
#else
#define UNSEEN
#endif

/* The local variables that the inlines need. Sums are modulo 256, as the code's are modulo 2^64. */
#define LOCALS                                                                                                         \
  byte seen, seen_at_first, left, i, head, next, remote_bytes, remote_blocks, n;                                       \
  bool won

#define TURNED(head) (NO_TURN -> 0 : (head) / 4 * 4 + 4)

/* To be called after each successful swap by which the caller gets a slot. */
inline ghost_take(s)
{
  PROPERTY(ONE_OWNER, ghost_holder[s] == 0);
  ghost_holder[s] = me + 1
}

inline pop_free(slot)
{
  UNSEEN {
    head = free_list;
    do
    :: head % 4 == 0 -> slot = 0; break
    :: else ->
       next = next_free[head % 4];
       atomic {
         DRAINED;
         if
         :: free_list == head ->
            free_list = TURNED(head) + next;
            slot = head % 4;
            ghost_listed[slot] = false;
            ghost_take(slot);
            break
         :: else -> head = free_list
         fi
       }
    od;
    atomic { head = 0; next = 0 }
  }
}

/* For the caller's slot, which is not in the free list. */
inline begin_lanes(s)
{
  i = 0;
  do
  :: i < WORKERS ->
#if !LANES_KEPT
     write(CELL(s, HAS_LANE(i)), 0);
#endif
     d_step { remote_bytes = remote_bytes + READ(CELL(s, LANE(i) + BYTES)); i++ }
  :: else -> break
  od;
  write(CELL(s, LANES_AT_START), remote_bytes);
  d_step { i = 0; remote_bytes = 0 }
}

/* tm__take_slot(), once the free list was empty. */
inline grow(slot)
{
  UNSEEN {
    n = used;
    do
    :: n < SLOTS ->
       atomic {
         DRAINED;
         if
         :: used == n || NO_CAS_GROW -> used = n + 1; slot = used; ghost_take(slot); break
         :: else -> n = used
         fi
       }
    :: else -> pop_free(slot); break
    od;
    n = 0
  }
}

inline give_slot(s)
{
  UNSEEN {
    head = free_list;
    do
    :: atomic { DRAINED; next_free[s] = head % 4 };
       atomic {
         DRAINED;
         if
         :: free_list == head ->
            free_list = TURNED(head) + s;
            PROPERTY(FREED_ONCE, !ghost_listed[s]);
            ghost_listed[s] = true;
            break
         :: else -> head = free_list
         fi
       }
    od;
    head = 0
  }
}

inline reset_slot(s)
{
  UNSEEN {
    i = 0;
    do
    :: i < WORKERS ->
       remote_bytes = remote_bytes + READ(CELL(s, LANE(i) + BYTES));
       d_step { remote_blocks = remote_blocks + READ(CELL(s, LANE(i) + COUNT)); i++ }
    :: else -> break
    od;
    left = READ(CELL(s, ALLOCATED + BYTES))
  };
  write(CELL(s, BEFORE + BYTES), left);
  left = READ(CELL(s, ALLOCATED + COUNT));
  write(CELL(s, BEFORE + COUNT), left);
  write(CELL(s, BEFORE_REMOTE + BYTES), remote_bytes);
  write(CELL(s, BEFORE_REMOTE + COUNT), remote_blocks);
  d_step { i = 0; left = 0; remote_bytes = 0; remote_blocks = 0 }
}

inline count_left(s, field)
{
  left = READ(CELL(s, ALLOCATED + field));
  d_step { left = left - READ(CELL(s, FREED + field)); i = 0 };
  do
  :: i < WORKERS -> d_step { left = left - READ(CELL(s, LANE(i) + field)); i++ }
  :: else -> i = 0; break
  od
}

inline swap_to_free(s)
{
  atomic {
    DRAINED;
    if
    :: generation_state[s] == seen || NO_CAS_RETIRE ->
       generation_state[s] = WORD(GENERATION(seen), FREE);
       won = true;
       PROPERTY(FREED_ONCE, ghost_freed[s] != GENERATION(seen) + 1);
       PROPERTY(NOT_WHILE_BLOCKS_LIVE, ghost_live[s] == 0);
       PROPERTY(NOT_WHILE_THREAD_LIVES, ghost_holder[s] == 0);
       ghost_freed[s] = GENERATION(seen) + 1
    :: else
    fi
  }
}

inline retire_if_empty(s)
{
  seen = generation_state[s];
  if
  :: STATE(seen) == ORPHAN ->
     UNSEEN {
       count_left(s, COUNT);
       if
       :: left == 0 -> count_left(s, BYTES)
       :: else
       fi
     };
#if COUNTS_BEFORE_STATE
     seen = generation_state[s];
#endif
     if
     :: left == 0 && STATE(seen) == ORPHAN -> swap_to_free(s)
     :: else
     fi;
     d_step { left = 0; seen = 0 };
     if
     :: won ->
        won = false;
#if GIVE_BEFORE_RESET
        give_slot(s);
        reset_slot(s)
#else
        reset_slot(s);
        give_slot(s)
#endif
     :: else
     fi
  :: else -> seen = 0
  fi
}
