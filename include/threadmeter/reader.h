/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * threadmeter/reader.h: the totals of another process, from outside.
 *
 * A program that runs with THREADMETER_PUBLISH=DIR keeps its totals in a file in DIR (docs/formats/published-file.md).
 * Whoever may read that file can see every thread's totals while the program runs, at no cost to it, and the last ones
 * after it crashed. Link with libthreadmeter_reader; it needs nothing else of threadmeter, and no particular allocator.
 *
 * The file is not trusted: whatever is in it, a call ends with a reading that adds up or an error that says what is
 * wrong. Functions return 0 or a negative errno value; a `message` (may be NULL) gets a sentence for people, without a
 * newline or any other control character, also where the path has some. One reader is for one thread at a time; several
 * are independent of each other.
 */
#ifndef THREADMETER_READER_H
#define THREADMETER_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <threadmeter/totals.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

enum { TM_READER_MESSAGE = 512 };

/**
 * A thread over all its slots: in all tags, but those that have ended and are empty. Each of the shared slots is a
 * thread here, too, with `thread` 0.
 */
struct tm_thread_reading {
    uint64_t thread; /* as tm_slot.thread: never used again in this process */
    pid_t tid;       /* in the process's own pid namespace; 0 if shared */
    enum tm_slot_state state;
    char name[16];
    struct tm_totals totals; /* peak_bytes: most that was ever live at once, exact */
};

/** A tag over all threads; peak_bytes is a bound, as for tm_tag_totals(). */
struct tm_tag_reading {
    int32_t tag;
    bool open;            /* tm_tag_close() has not ended it */
    uint64_t limit_bytes; /* 0: none */
    char name[64];
    struct tm_totals totals;
};

/**
 * A process at one moment. Strings end with 0 and may contain any other byte. Pointers are valid until the next read.
 */
struct tm_reading {
    uint64_t time_ns;    /* when it was read: CLOCK_REALTIME */
    uint64_t started_ns; /* when the program first allocated, or was forked: CLOCK_REALTIME */
    pid_t pid;           /* in the reader's pid namespace if the process is visible, otherwise in its own */
    pid_t parent;        /* if it is a fork: the parent's pid, in the process's namespace; otherwise 0 */
    uid_t uid;           /* the file's owner, by the kernel */
    bool live;           /* the process runs, and has not exec'ed another program since */
    bool ended;          /* it does not run, and it did not crash: it said that it ends */
    bool unknown;        /* whether it runs cannot be known from here. None of the three: it crashed, or was killed */
    bool visible;        /* it runs, and /proc shows it here: /proc/PID is this process, and no other */
    bool flow_on;        /* THREADMETER_FLOW=1 */
    char program[16];
    struct tm_totals process; /* as tm_process_totals() */
    struct tm_totals retired; /* as tm_retired_totals() */
    struct tm_cross_allocator_calls cross_allocator_calls;

    size_t slot_count; /* the matrix thread x tag, in order of slot numbers; the two shared ones first */
    const struct tm_slot *slots;
    size_t thread_count; /* by live bytes, the largest first; the two shared ones last */
    const struct tm_thread_reading *threads;
    size_t tag_count; /* by live bytes, the largest first */
    const struct tm_tag_reading *tags;
    size_t flow_count; /* by bytes, the largest first; "(others)" last */
    const struct tm_flow *flows;
    /*
     * As tm_each_retired() has them, the most allocated bytes first. They add up to `retired`: what was being retired
     * while it was read is in one with the name "(unknown)", which may therefore shrink.
     */
    size_t retired_row_count;
    const struct tm_retired *retired_rows;
};

struct tm_reader;

/**
 * Opens a published file. -EINVAL if it is none, -EPROTONOSUPPORT if it is of another version, and the errors of
 * open(). The reader is to be closed by tm_reader_close(); if this fails, there is nothing to close.
 */
int tm_reader_open(const char *path, struct tm_reader **reader, char message[TM_READER_MESSAGE]);

/**
 * As tm_reader_open(), with a file that the caller has opened for reading: by a directory's descriptor, say, and after
 * it has checked whose file it is. The reader takes the descriptor over, and closes it also if this fails. The path is
 * used only in messages and by tm_reader_path().
 */
int tm_reader_open_fd(int fd, const char *path, struct tm_reader **reader, char message[TM_READER_MESSAGE]);

/**
 * Opens the file that the running process publishes, wherever it is, in a container, too; a thread's tid stands for its
 * process. Of the files that the process has mapped under such a name, at most eight are looked at. -ESRCH if there is
 * no such process, -ENOENT if it publishes nothing, -EACCES if it is somebody else's.
 */
int tm_reader_open_pid(pid_t pid, struct tm_reader **reader, char message[TM_READER_MESSAGE]);

/** Frees the reader and its last reading. NULL: nothing happens. */
void tm_reader_close(struct tm_reader *reader);

/** The path of the file, as it was opened. By now the file may be gone, or another one may have that path. */
const char *tm_reader_path(const struct tm_reader *reader);

/** Which file it is: two readers of the same file have the same two numbers, whatever becomes of its path. */
void tm_reader_file(const struct tm_reader *reader, dev_t *device, ino_t *inode);

/** Whose file it is, by fstat() as it was opened; all else a process may write as it likes. Reads nothing. */
uid_t tm_reader_owner(const struct tm_reader *reader);

/**
 * Reads all totals; takes some milliseconds for each ten thousand threads. *reading belongs to the reader, and is valid
 * until its next call. While the process works, each counter is as it was at some moment of the call, and live bytes
 * are never negative, at worst too high by what was freed meanwhile; counters and peaks never shrink from one reading
 * to the next, neither the process's nor those of a slot in one generation. At rest all are exact. Of a process that is
 * gone, they are as it left them. Names of living threads are read once a second, which takes some tens of milliseconds
 * for ten thousand. Threads and retired, and slots and retired, add up to the process. -EINVAL, and no reading, for a
 * file that was cut off or is damaged; -ENOMEM.
 */
int tm_reader_read(struct tm_reader *reader, const struct tm_reading **reading, char message[TM_READER_MESSAGE]);

/**
 * Calls visit(path, arg) for each published file in a directory, in no order, whether it can be read or not. A visit
 * that returns another value than 0 ends the walk, which returns that value; otherwise 0, or a negative errno value if
 * the directory cannot be read.
 */
int tm_reader_each(const char *directory, int (*visit)(const char *path, void *arg), void *arg);

/**
 * Removes a published file, or a temporary file of one (PID-TICKS.newN, once it is a minute old), from an open
 * directory: if its process is gone for sure, and if the name still belongs to the file that was looked at. `name` has
 * no slash. Returns 0; -EBUSY if the process runs, or if that cannot be known, or if somebody else removes it or has
 * published anew; -EINVAL if it is of another kind, such as a symbolic link; or an error of the kernel's, such as
 * -ENOENT and -EACCES.
 */
int tm_reader_remove(int directory, const char *name);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
