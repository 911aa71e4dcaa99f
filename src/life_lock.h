/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a process lives is told by a lock: who publishes locks its file before it maps it, and the mapping keeps what
 * is locked open, with no descriptor, until the process ends or becomes another program. Anybody who may read the file
 * can ask, from any pid namespace. Shared with the reader, so nothing here but what both must agree on.
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

#endif
