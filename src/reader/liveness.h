/* SPDX-License-Identifier: BSD-3-Clause */
/* What a file's lock says of the process whose it is: src/life_lock.h. Asked, never taken. */
#ifndef TM_LIFE_H
#define TM_LIFE_H

#include <stdint.h>

enum tm__lock_says { TM__NOTHING, TM__LIVES, TM__IS_GONE };

/* `locked` is the head's word: without it the process never could lock the file. */
enum tm__lock_says tm__ask_lock(int fd, uint32_t locked);

/* The same of a file that is not ready, so that there is no such word. */
enum tm__lock_says tm__ask_lock_of_temporary(int fd);

#endif
