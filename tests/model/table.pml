/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * src/table.c: taking, giving and retiring slots. Each step that another thread can come in front of is one of ours; a
 * function that is called is an inline of the same name. What only the model knows (who holds a slot, how many blocks of
 * it live) is in `ghost_` variables, which no step of the code reads.
 */

#define FREE 0
#define OWNED 1
#define ORPHAN 2
#define LIFE(generation, state) ((generation) * 4 + (state)) /* one word, so that it is swapped whole */
#define STATE(life) ((life) % 4)
#define GENERATION(life) ((life) / 4)

/* A row: what is stored without a lock is in the memory that has store buffers. Slots are 1, 2, ...; 0 is none. */
#define ROW (9 + 2 * WORKERS)
#define CELL(s, field) (((s) - 1) * ROW + field)
#define ALLOCATED_BYTES 0
#define ALLOCATED_BLOCKS 1
#define FREED_BYTES 2
#define FREED_BLOCKS 3
#define BEFORE_BYTES 4
#define BEFORE_BLOCKS 5
#define BEFORE_OTHERS_BYTES 6
#define BEFORE_OTHERS_BLOCKS 7
#define NAME 8 /* the generation that wrote it: stands for all of the record that a reader must not mix */
#define LANE_BYTES(t) (9 + 2 * (t)) /* the lane of thread t, who alone writes it */
#define LANE_BLOCKS(t) (10 + 2 * (t))
#define BLOCK(b) (SLOTS * ROW + (b)) /* a block that was handed over: the slot in its header, or 0 */
#define ADDRESSES (SLOTS * ROW + BLOCKS)

#include "memory.pml"

byte life[SLOTS + 1];
byte next_free[SLOTS + 1];
byte tid[SLOTS + 1];
byte used = FILLED;   /* slots 1 to `used` have been taken once */
byte free_list;       /* 4 * operations so far + first slot */

byte ghost_holder[SLOTS + 1]; /* thread + 1, from taking to leaving */
byte ghost_living[SLOTS + 1]; /* blocks */
byte ghost_charged[SLOTS + 1]; /* blocks, by this generation */
byte ghost_freed[SLOTS + 1];  /* the generation that was freed last, + 1 */
bool ghost_listed[SLOTS + 1];

/* Numbered, so that who reads spin's output knows which. */
#define PROPERTY(number, holds) assert((holds) || number == 0)
#define ONE_OWNER 1
#define FREED_ONCE 2
#define NOT_WHILE_BLOCKS_LIVE 3
#define NOT_WHILE_THREAD_LIVES 4
#define BALANCED 5
#define ONE_GENERATION 6
#define NEVER_NEGATIVE 7
#define NO_EMPTY_ORPHAN 8
#define NOTHING_LOST 9

#ifdef NO_TURN /* mutation: a slow thread takes an old view of the list for the present one */
#define TURNED(head) 0
#else
#define TURNED(head) ((head) / 4 * 4 + 4)
#endif

/* What no reader can see is one step where there is a reader; all else is tried without it. */
#ifdef READER
#define UNSEEN atomic
#else
#define UNSEEN
#endif

/* What the inlines below need of a process. Slots are numbered by bytes; all sums are modulo 256, as the code's 2^64. */
#define LOCALS                                                                                                         \
  byte seen, seen_at_first, left, i, head, next, others_bytes, others_blocks, n;                                       \
  bool won

inline take_step(s)
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
            take_step(slot);
            break
         :: else -> head = free_list
         fi
       }
    od;
    atomic { head = 0; next = 0 }
  }
}

/* The end of tm__take_slot(): the table grows. */
inline grow(slot)
{
  UNSEEN {
#ifdef NO_CAS_GROW /* mutation */
    n = used;
    if
    :: n < SLOTS -> atomic { DRAINED; used = n + 1; slot = n + 1; take_step(slot) }
#else
    n = used;
    do
    :: n < SLOTS ->
       atomic {
         DRAINED;
         if
         :: used == n -> used++; slot = used; take_step(slot); break
         :: else -> n = used
         fi
       }
    :: else -> pop_free(slot); break
    od;
#endif
#ifdef NO_CAS_GROW
    :: else -> pop_free(slot)
    fi;
#endif
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

/* Peaks are not modelled. */
inline settle(s)
{
  UNSEEN {
  i = 0;
  do
  :: i < WORKERS -> others_bytes = others_bytes + READ(CELL(s, LANE_BYTES(i)));
     d_step { others_blocks = others_blocks + READ(CELL(s, LANE_BLOCKS(i))); i++ }
  :: else -> break
  od;
  left = READ(CELL(s, ALLOCATED_BYTES))
  };
  write(CELL(s, BEFORE_BYTES), left);
  left = READ(CELL(s, ALLOCATED_BLOCKS));
  write(CELL(s, BEFORE_BLOCKS), left);
  write(CELL(s, BEFORE_OTHERS_BYTES), others_bytes);
  write(CELL(s, BEFORE_OTHERS_BLOCKS), others_blocks);
  d_step { i = 0; left = 0; others_bytes = 0; others_blocks = 0 }
}

inline freed_step(s)
{
  PROPERTY(FREED_ONCE, ghost_freed[s] != GENERATION(seen) + 1);
  PROPERTY(NOT_WHILE_BLOCKS_LIVE, ghost_living[s] == 0);
  PROPERTY(NOT_WHILE_THREAD_LIVES, ghost_holder[s] == 0);
  ghost_freed[s] = GENERATION(seen) + 1
}

inline swap_to_free(s)
{
  atomic {
    DRAINED;
    if
#ifdef NO_CAS_RETIRE /* mutation: whoever finds it empty stores */
    :: true ->
#else
    :: life[s] == seen ->
#endif
       life[s] = LIFE(GENERATION(seen), FREE); won = true; freed_step(s)
#ifndef NO_CAS_RETIRE
    :: else
#endif
    fi
  }
}

inline retire_if_empty(s)
{
  seen = life[s];
  if
  :: STATE(seen) == ORPHAN ->
     UNSEEN {
     left = READ(CELL(s, ALLOCATED_BLOCKS));
     left = left - READ(CELL(s, FREED_BLOCKS));
     i = 0;
     do
     :: i < WORKERS -> d_step { left = left - READ(CELL(s, LANE_BLOCKS(i))); i++ }
     :: else -> break
     od;
     if
     :: left == 0 ->
        left = READ(CELL(s, ALLOCATED_BYTES));
        left = left - READ(CELL(s, FREED_BYTES));
        i = 0;
        do
        :: i < WORKERS -> d_step { left = left - READ(CELL(s, LANE_BYTES(i))); i++ }
        :: else -> break
        od
     :: else
     fi;
     i = 0
     };
     if
     :: left == 0 -> swap_to_free(s)
     :: else
     fi;
     d_step { left = 0; seen = 0 };
     if
     :: won ->
        won = false;
#ifdef GIVE_BEFORE_SETTLE /* mutation */
        give_slot(s);
        settle(s)
#else
        settle(s);
        give_slot(s)
#endif
     :: else
     fi
  :: else -> seen = 0
  fi
}
