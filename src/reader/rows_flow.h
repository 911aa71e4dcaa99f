/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows: which thread freed which thread's blocks. */
#ifndef TM_ROWS_FLOW_H
#define TM_ROWS_FLOW_H

#include "reader/rows_store.h"
#include "reader/source.h"

/* Returns 0; or -EINVAL for a damaged file, or -ENOMEM, with a message. */
int tm__read_flows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE]);

#endif
