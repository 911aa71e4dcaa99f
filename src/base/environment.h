/* SPDX-License-Identifier: BSD-3-Clause */
/* The environment, read without libc: its functions may be interposed, and allocate, which would come back here. */
#ifndef TM_ENVIRONMENT_H
#define TM_ENVIRONMENT_H

/*
 * The variable's value, like secure_getenv(): NULL if it is not set, or if the process has more rights than its user.
 */
const char *tm__getenv(const char *name);

#endif
