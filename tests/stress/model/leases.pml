/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Leases of a tag's limit: src/meter/lease.h and src/meter/tag_limits.c. Each worker has a slot in the tag, and
 * allocates blocks of 1 byte; any thread may free them. README.md says what each part models; scripts/checks/test-model
 * runs it, with the bounds below and others.
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef LIMIT
#define LIMIT 2
#endif
#ifndef MAKES
#define MAKES 2 /* how often each worker allocates */
#endif
#ifdef FIRST /* a charge that was under way when the limit was set may be one too many, but none by a lease is */
#define EXACT false
#else
#define EXACT true
#endif
#define SETTER WORKERS /* the thread that sets a limit: with FIRST there was none before, with LOWER a higher one */
#define PARTIES (WORKERS + 1)

#include "mutations.pml"

#define NEVER_ABOVE 12     /* live bytes are never above the limit */
#define NOTHING_REFUSED 13 /* what is refused did not fit at some moment of the call */

#define ROW (5 + PARTIES)
#define ALLOCATED(s) ((s) * ROW)
#define FREED(s) ((s) * ROW + 1)
#define LEASE(s) ((s) * ROW + 2)
#define WATERMARK(s) ((s) * ROW + 3)
#define MADE(s) ((s) * ROW + 4) /* how many blocks the owner has handed to any thread that may free them */
#define LANE(s, t) ((s) * ROW + 5 + (t))
#define LOCK (WORKERS * ROW)
#define BOUNDED (WORKERS * ROW + 1)
#define ADDRESSES (WORKERS * ROW + 2)

/* A free counts as done when it reaches the memory. */
#define REACHED(a)                                                                                                     \
  ghost_live = ghost_live - ((a) < LOCK && ((a) % ROW == 1 || (a) % ROW >= 5) -> 1 : 0)

short ghost_live;         /* charged, and not yet freed */
#define IDLE 100
short ghost_high[PARTIES] = IDLE; /* the most that was live since the thread's present operation began */
byte ghost_limit = LIMIT;  /* 0: none yet */

#include "memory.pml"
#include "property.pml"

byte taken[WORKERS]; /* how many blocks of each slot are freed, or about to be */
byte cap[WORKERS];    /* tm__tag_slot.lease, known only to the owner */
byte limit = LIMIT;  /* this and the next three: with the lock held */
byte room, share;
bool leased;

/* One word: the lower half is the state. */
#define NO_LEASE 0
#define LEASED 1
#define UNPROVEN 2
#define WORD(bytes, state) ((bytes) * 4 + (state))
#define STATE(word) ((word) % 4)
#define REST(word) ((word) / 4)

/* The moment at which a block is charged. */
inline ghost_charge(is_bound)
{
  ghost_live++;
  PROPERTY(NEVER_ABOVE, !(is_bound) || ghost_limit == 0 || ghost_live <= ghost_limit);
  g = 0;
  do
  :: g < PARTIES ->
     if
     :: ghost_live > ghost_high[g] -> ghost_high[g] = ghost_live
     :: else
     fi;
     g++
  :: else -> g = 0; break
  od
}

inline take_lock()
{
  atomic { DRAINED && memory[LOCK] == 0; memory[LOCK] = 1 }
}

inline read_frees(s)
{
  freed = READ(FREED(s));
  i = 0;
  do
  :: i < PARTIES -> remote = remote + READ(LANE(s, i)); i++
  :: else -> i = 0; break
  od;
  skip /* a d_step may follow */
}

/* tm__call_back_lease() */
inline call_back_lease(s)
{
  if
  :: STATE(READ(LEASE(s))) == LEASED && !NO_CALL_BACK && !LEASES_COUNT ->
     atomic {
       DRAINED;
       word = memory[LEASE(s)];
       memory[LEASE(s)] = WORD(REST(word), (STATE(word) == LEASED -> NO_LEASE : STATE(word)));
       word = 0
     }
  :: else
  fi
}

/* call_back_leases() */
inline call_back_all()
{
  s = 0;
  do
  :: s < WORKERS && leased -> call_back_lease(s); s++
  :: else -> leased = false; s = 0; break
  od;
  skip
}

/* `live` and `reserved` are the sums. */
inline add_up()
{
#if !ONE_PASS
  call_back_all();
#endif
  d_step { live = 0; reserved = 0; unknown = false; s = 0 };
  do
  :: s < WORKERS ->
#if ONE_PASS
     call_back_lease(s);
#endif
     word = READ(LEASE(s));
#if ALLOCATED_FIRST
     n = READ(ALLOCATED(s));
     read_frees(s);
#else
     read_frees(s);
     n = READ(ALLOCATED(s));
#endif
     d_step {
       n = (STATE(word) != UNPROVEN && REST(word) > n && !NO_LARGER -> REST(word) : n);
       n = n - freed - remote;
       live = live + (STATE(word) == LEASED && LEASES_COUNT -> cap[s] - remote : n);
       unknown = unknown || (STATE(word) == UNPROVEN && REST(word) == 0);
       reserved = reserved +
                  (STATE(word) == UNPROVEN && !PROVEN_AT_ONCE && REST(word) > n + remote -> REST(word) - remote : n);
       freed = 0;
       remote = 0;
       word = 0;
       n = 0;
       s++
     }
  :: else -> s = 0; break
  od;
  skip
}

/* charge_and_lease(): `most` is what the balance may reach. */
inline charge_and_lease(most)
{
  atomic {
    waiting[me] == 0;
    ghost_charge(EXACT || is_leased);
    n = READ(ALLOCATED(me)) + 1;
    cap[me] = most;
    write(ALLOCATED(me), n);
    word = WORD(n, (most > n - READ(FREED(me)) -> LEASED : NO_LEASE));
    leased = leased || STATE(word) == LEASED
  };
  write(LEASE(me), word);
  d_step { word = 0; n = 0 }
}

/* tm__charge_to_lease() */
inline charge_to_lease()
{
  word = READ(LEASE(me));
  if
  :: STATE(word) == LEASED && REST(word) + 1 - READ(FREED(me)) <= cap[me] ->
     atomic {
       DRAINED || NO_SWAP;
       if
       :: memory[LEASE(me)] == word || NO_SWAP ->
          ghost_charge(true);
          if
          :: !NO_SWAP -> memory[LEASE(me)] = WORD(REST(word) + 1, LEASED)
          :: else -> write(LEASE(me), WORD(REST(word) + 1, LEASED))
          fi;
          charged = true
       :: else
       fi
     };
     if
     :: charged -> add_one(ALLOCATED(me))
     :: else
     fi
  :: else
  fi;
  word = 0
}

/* tm__tag_admits(), once the lease does not suffice. */
inline charge_locked(is_refusable)
{
  take_lock();
  d_step {
    is_leased = false;
    n = READ(ALLOCATED(me)) - READ(FREED(me)); /* the balance, and what is reserved */
    word = READ(LEASE(me));
    reserved = (STATE(word) == LEASED && cap[me] > n -> cap[me] : n);
    live = (n + 1 > reserved -> n + 1 + share : reserved);
    word = 0;
    n = 0;
    if
    :: share > 0 && live - reserved <= room ->
       room = room - (live - reserved);
       is_leased = true
    :: else
    fi
  };
  if
  :: is_leased -> charge_and_lease(live); charged = true
  :: else ->
     add_up();
     d_step { room = 0; share = 0 };
     if
     :: !(is_refusable) || live + 1 <= limit ->
        if /* any share that may be given: the code knows better which one is worth it */
        :: !unknown && limit > reserved + 1 ->
           share = 1;
           room = limit - reserved - 2
        :: true
        fi;
        live = READ(ALLOCATED(me)) - READ(FREED(me)) + 1 + share;
        charge_and_lease(live);
        charged = true
     :: else ->
        PROPERTY(NOTHING_REFUSED, !EXACT || ghost_high[me] + 1 > LIMIT)
     fi
  fi;
  write(LOCK, 0);
  d_step { live = 0; reserved = 0; unknown = false; is_leased = false }
}

/* While the tag has no limit: tm__charge_own(), and tm__check_limits() above the watermark. */
inline allocate()
{
  d_step { ghost_high[me] = ghost_live; charged = false };
  n = READ(ALLOCATED(me)) + 1 - READ(FREED(me));
  if
  :: n <= READ(WATERMARK(me)) ->
     atomic { ghost_charge(false); add_one(ALLOCATED(me)) };
     charged = true
  :: else ->
     if
     :: READ(BOUNDED) -> skip
     :: else ->
        atomic { DRAINED; memory[WATERMARK(me)] = n + 1 };
        if
        :: READ(BOUNDED) ->
           atomic { DRAINED; memory[WATERMARK(me)] = 0 };
           n = 0;
           charge_locked(false)
        :: else -> atomic { ghost_charge(false); add_one(ALLOCATED(me)) }; charged = true
        fi
     fi
  fi;
  n = 0;
  if
  :: !charged -> charge_to_lease()
  :: else
  fi;
  if
  :: !charged -> charge_locked(true)
  :: else
  fi;
  if
  :: charged -> add_one(MADE(me))
  :: else
  fi;
  d_step {
    charged = false;
    ghost_high[me] = IDLE
  }
}

inline free_block(s)
{
  atomic { READ(MADE(s)) > taken[s]; taken[s]++; target = (s == me -> FREED(s) : LANE(s, me)) };
  add_one(target);
  target = 0
}

#define LOCALS                                                                                                         \
  byte word, freed, remote, i, s, n, g, target, reserved;                                                              \
  short live;                                                                                                          \
  bool charged, unknown, is_leased

proctype Worker(byte me)
{
  LOCALS;
  byte made;
  do
  :: made < MAKES -> made++; allocate()
  :: free_block(0)
  :: free_block(1)
  :: made == MAKES -> break
  od
}

/* tm_tag_limit(): tm__bound_tag() */
proctype Setter(byte me)
{
  LOCALS;
  take_lock();
  limit = LIMIT;
  write(BOUNDED, 1);
  d_step { room = (ROOM_STAYS -> room : 0); share = (ROOM_STAYS -> share : 0) };
  call_back_all();
#ifdef FIRST
  do
  :: s < WORKERS ->
     atomic { DRAINED; n = memory[WATERMARK(s)]; memory[WATERMARK(s)] = 0 };
     write(LEASE(s), WORD(n, UNPROVEN));
     s++
  :: else -> break
  od;
#endif
  ghost_limit = LIMIT;
  write(LOCK, 0)
}

init
{
  atomic {
    byte t = 0;
    do
    :: t < PARTIES -> run Processor(t); t++
    :: else -> break
    od;
    t = 0;
    do
    :: t < WORKERS -> run Worker(t); t++
    :: else -> break
    od;
#ifdef FIRST
    ghost_limit = 0;
    run Setter(SETTER)
#else
    memory[BOUNDED] = 1;
#ifdef LOWER
    limit = LIMIT + 3;
    ghost_limit = LIMIT + 3;
    run Setter(SETTER)
#endif
#endif
  }
}
