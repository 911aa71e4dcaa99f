/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of threads and of programs. */
#ifndef TM_NAME_H
#define TM_NAME_H

enum { TM__NAME = 16 }; /* bytes, with the terminating 0, as in the kernel */

/* Shown wherever a name is empty: an empty column, or label, would look like a fault. */
#define TM__UNNAMED "(unnamed)"

#endif
