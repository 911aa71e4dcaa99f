/* SPDX-License-Identifier: BSD-3-Clause */
/* The environment, read without libc: its functions may be somebody else's, and allocate, which comes back here. */
#ifndef TM_ENVIRONMENT_H
#define TM_ENVIRONMENT_H

/* The variable's value, as secure_getenv() gives it: NULL if there is none, or the process has rights not its user's. */
const char *tm__getenv(const char *name);

#endif
