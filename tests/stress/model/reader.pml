/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * src/api/totals.c: read_slot() and describe(), by a thread that only reads, at any moment. The code reads bytes and
 * blocks in the same way and never compares them, so each run reads one of the two: READER is BYTES or COUNT.
 */
inline read_frees()
{
  i = 0;
  do
  :: i < WORKERS -> remote = remote + memory[CELL(s, LANE(i) + READER)]; i++
  :: else -> i = 0; break
  od;
  freed = remote + memory[CELL(s, FREED + READER)]
}

/* One round. The code may do several equal ones, and returns what the last one read. */
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

/* What the reader returns for the present generation. */
inline check_reading()
{
  PROPERTY(ONE_GENERATION, named == GENERATION(seen));
  PROPERTY(ONE_GENERATION, allocated - before >= 0 && allocated - before <= ghost_charged[s]);
  PROPERTY(NEVER_NEGATIVE, freed - before >= 0 && allocated - freed >= 0);
  PROPERTY(NEVER_NEGATIVE, remote - remote_before >= 0 && remote - remote_before <= freed - before)
}

proctype Reader()
{
  byte seen, i, s = 1, named, allocated, freed, remote, before, remote_before;
  do
  :: seen = generation_state[s];
     named = memory[CELL(s, NAME)];
     read_counters();
     before = memory[CELL(s, BEFORE + READER)];
     remote_before = memory[CELL(s, BEFORE_REMOTE + READER)];
     atomic {
       if
       :: generation_state[s] == seen || NO_REREAD ->
          if
          :: STATE(seen) != FREE -> check_reading()
          :: else
          fi;
          break
       :: else -> named = 0; allocated = 0; freed = 0; remote = 0; before = 0; remote_before = 0
       fi
     }
  od
}
