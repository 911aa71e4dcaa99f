/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a process lives is told by a lock: who publishes locks its file before it maps it, and the mapping keeps what
 * is locked open, with no descriptor, until the process ends or becomes another program. Anybody who may read the file
 * can ask, from any pid namespace. Shared with the reader, so nothing here but what both must agree on: where
 * that is so, and what the name of such a file says.
 */
#ifndef TM_LIFE_LOCK_H
#define TM_LIFE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Where one machine's kernel has all locks of a file in one place, whoever asks. Not where another machine, or what is
 * outside of a virtual one, may have the file, too; nor on overlays, where the mapping is of another file than is locked.
 */
static inline bool tm__locks_tell_on(uint32_t file_system)
{
    return file_system == 0x01021994    /* tmpfs */
           || file_system == 0x858458f6 /* ramfs */
           || file_system == 0xef53     /* ext2, ext3, ext4 */
           || file_system == 0x58465342 /* xfs */
           || file_system == 0x3153464a /* jfs */;
}

/*
 * Of a file's name, PID-TICKS.tm or PID-TICKS-NAMESPACE.tm: which pid namespace its process was in. What process has which
 * number can be asked only in there.
 */
enum { TM__FIRST_PID_NAMESPACE = 0xeffffffcu }; /* the machine's, of all kernels; it is not in the name */

static inline uint64_t tm__pid_namespace_in(const char *name)
{
    uint64_t number = 0;
    int dashes = 0;
    for (; (*name >= '0' && *name <= '9') || *name == '-'; name++)
        if (*name == '-')
            dashes++;
        else if (dashes == 2)
            number = 10 * number + (uint64_t)(*name - '0');
    return dashes < 2 ? TM__FIRST_PID_NAMESPACE : number;
}

#endif
