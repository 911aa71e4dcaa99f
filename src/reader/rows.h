/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads a published file as it is at one moment. Knows nothing of processes, nor of what the kernel says. */
#ifndef TM_ROWS_H
#define TM_ROWS_H

#include "reader/rows_store.h"
#include "reader/source.h"

/* Returns 0; or -EINVAL for a damaged file, or -ENOMEM, with a message. */
int tm__read_rows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE]);

#endif
