/* SPDX-License-Identifier: BSD-3-Clause */
/* A published file as a reading of one moment. Knows nothing of processes, nor of what the kernel says. */
#ifndef TM_ROWS_H
#define TM_ROWS_H

#include "reader/rows_store.h"
#include "reader/source.h"

/* 0; or -EINVAL for a file that cannot be so, -ENOMEM; with a message. */
int tm__read_rows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE]);

#endif
