/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader/liveness.h"
#include "base/liveness_lock.h"

#include <fcntl.h>
#include <sys/vfs.h>

enum tm__lock_says tm__ask_lock_of_temporary(int fd)
{
    struct statfs of;
    struct flock64 found = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    /* The file may have been locked where it tells, and be seen here through what does not tell of it. */
    if (fstatfs(fd, &of) != 0 || !tm__locks_tell_on((uint32_t)of.f_type) || fcntl(fd, F_OFD_GETLK, &found) != 0)
        return TM__NOTHING;
    return found.l_type == F_UNLCK ? TM__IS_GONE : TM__LIVES;
}

enum tm__lock_says tm__ask_lock(int fd, uint32_t locked)
{
    return locked != 0 ? tm__ask_lock_of_temporary(fd) : TM__NOTHING;
}
