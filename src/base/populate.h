/* SPDX-License-Identifier: BSD-3-Clause */
/* Linux 5.14: that memory is to be there, or an error. Older headers do not have it. */
#ifndef TM_POPULATE_H
#define TM_POPULATE_H

#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#endif
