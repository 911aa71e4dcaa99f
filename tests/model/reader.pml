/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * src/totals.c: read_slot() and describe(), by a thread that only looks, at any moment. The code reads bytes and blocks
 * side by side and never compares them, so each reading here is of one of the two: that is
 * READER, 0 for bytes and 1 for blocks.
 */
inline read_frees()
{
  i = 0;
  do
  :: i < WORKERS -> others = others + memory[CELL(s, LANE_BYTES(i)) + field]; i++
  :: else -> i = 0; break
  od;
  freed = others + memory[CELL(s, FREED_BYTES) + field]
}

/* One round of the code's: what the last round reads is what is returned, and each is as this. */
inline read_counters()
{
#ifdef ALLOCATED_FIRST /* mutation */
  allocated = memory[CELL(s, ALLOCATED_BYTES) + field];
  read_frees()
#else
  read_frees();
  allocated = memory[CELL(s, ALLOCATED_BYTES) + field]
#endif
}

/* What tm_live_bytes() and the rest say of the present generation. */
inline check_reading()
{
  PROPERTY(ONE_GENERATION, named == GENERATION(seen));
  PROPERTY(ONE_GENERATION, allocated - before >= 0 && allocated - before <= ghost_charged[s]);
  PROPERTY(NEVER_NEGATIVE, freed - before >= 0 && allocated - freed >= 0);
  PROPERTY(NEVER_NEGATIVE, others - before_others >= 0 && others - before_others <= freed - before)
}

proctype Reader()
{
  byte seen, i, s = 1, field = READER, named, allocated, freed, others, before, before_others;
  do
  :: seen = life[s];
     named = memory[CELL(s, NAME)];
     read_counters();
     before = memory[CELL(s, BEFORE_BYTES) + field];
     before_others = memory[CELL(s, BEFORE_OTHERS_BYTES) + field];
     atomic {
       if
#ifdef NO_REREAD /* mutation */
       :: true ->
#else
       :: life[s] == seen ->
#endif
          if
          :: STATE(seen) != FREE -> check_reading()
          :: else
          fi;
          break
#ifndef NO_REREAD
       :: else -> named = 0; allocated = 0; freed = 0; others = 0; before = 0; before_others = 0
#endif
       fi
     }
  od
}
