/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader/liveness.h"
#include "base/liveness_lock.h"

#include <fcntl.h>
#include <sys/vfs.h>

enum tm__liveness tm__ask_lock_of_temporary(int fd)
{
    struct statfs of;
    struct flock64 found = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    /*
     * The file may be locked on a file system that tells, but be seen here through one that does not, such as an
     * overlay.
     */
    if (fstatfs(fd, &of) != 0 || !tm__locks_tell_on((uint32_t)of.f_type) || fcntl(fd, F_OFD_GETLK, &found) != 0)
        return TM__LIVENESS_UNKNOWN;
    return found.l_type == F_UNLCK ? TM__HAS_ENDED : TM__LIVES;
}

enum tm__liveness tm__ask_lock(int fd, uint32_t locked)
{
    return locked != 0 ? tm__ask_lock_of_temporary(fd) : TM__LIVENESS_UNKNOWN;
}
