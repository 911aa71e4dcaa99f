/* SPDX-License-Identifier: BSD-3-Clause */
/* MADV_POPULATE_WRITE, since Linux 5.14, fills memory now, or returns an error. Older headers do not define it. */
#ifndef TM_POPULATE_H
#define TM_POPULATE_H

#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#endif
