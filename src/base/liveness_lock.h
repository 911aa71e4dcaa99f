/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lock tells whether a process lives: a process that publishes locks its file before it maps it. The mapping keeps
 * the locked file open, without a descriptor, until the process ends or executes another program. Anybody who may read
 * the file can ask, from any pid namespace. The library and the reader share this header, so it has only what both must
 * agree on: where such a lock can be trusted, and what the name of a published file says.
 */
#ifndef TM_LIVENESS_LOCK_H
#define TM_LIVENESS_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * File systems where the kernel of one machine has all locks of a file in one place, whichever process asks. This is
 * not so where another machine, or the host of a virtual one, may use the same file; nor on overlays, where the mapping
 * is of another file than the one that is locked.
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
 * A published file is called PID-TICKS.tm or PID-TICKS-NAMESPACE.tm: NAMESPACE is the pid namespace of its process.
 * Only in that namespace does the pid in the name mean this process.
 */
enum {
    TM__FIRST_PID_NAMESPACE = 0xeffffffcu
}; /* the initial one of the machine, the same in all kernels; a file's name leaves it out */

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
