/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a file's lock says about the process that publishes it, see base/liveness_lock.h. The lock is never taken here.
 */
#ifndef TM_LIVENESS_H
#define TM_LIVENESS_H

#include <stdint.h>

enum tm__liveness { TM__LIVENESS_UNKNOWN, TM__LIVES, TM__HAS_ENDED };

/* `locked` is the field of the head. If it is 0, the process could not lock its file, and nothing is known. */
enum tm__liveness tm__ask_lock(int fd, uint32_t locked);

/* The same for a temporary file, whose head is not written yet. */
enum tm__liveness tm__ask_lock_of_temporary(int fd);

#endif
