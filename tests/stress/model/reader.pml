/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * src/api/totals.c: read_slot() and describe(), by a thread that only looks, at any moment. The code reads bytes and blocks
 * side by side and never compares them, so each run reads one of the two: READER is BYTES or COUNT.
 */
inline read_frees()
{
  i = 0;
  do
  :: i < WORKERS -> others = others + memory[CELL(s, LANE(i) + READER)]; i++
  :: else -> i = 0; break
  od;
  freed = others + memory[CELL(s, FREED + READER)]
}

/* One round of the code's: it returns what its last round read, and each is as this. */
inline read_counters()
{
#if ALLOCATED_FIRST
  allocated = memory[CELL(s, ALLOCATED + READER)];
  read_frees()
#else
  read_frees();
  allocated = memory[CELL(s, ALLOCATED + READER)]
#endif
}

/* What is said of the present generation. */
inline check_reading()
{
  PROPERTY(ONE_GENERATION, named == GENERATION(seen));
  PROPERTY(ONE_GENERATION, allocated - before >= 0 && allocated - before <= ghost_charged[s]);
  PROPERTY(NEVER_NEGATIVE, freed - before >= 0 && allocated - freed >= 0);
  PROPERTY(NEVER_NEGATIVE, others - before_others >= 0 && others - before_others <= freed - before)
}

proctype Reader()
{
  byte seen, i, s = 1, named, allocated, freed, others, before, before_others;
  do
  :: seen = life[s];
     named = memory[CELL(s, NAME)];
     read_counters();
     before = memory[CELL(s, BEFORE + READER)];
     before_others = memory[CELL(s, BEFORE_OTHERS + READER)];
     atomic {
       if
       :: life[s] == seen || NO_REREAD ->
          if
          :: STATE(seen) != FREE -> check_reading()
          :: else
          fi;
          break
       :: else -> named = 0; allocated = 0; freed = 0; others = 0; before = 0; before_others = 0
       fi
     }
  od
}
