/* SPDX-License-Identifier: BSD-3-Clause */
/* Who freed whose blocks. */
#ifndef TM_ROWS_FLOW_H
#define TM_ROWS_FLOW_H

#include "reader/rows_store.h"
#include "reader/source.h"

/* 0; or -EINVAL for a file that cannot be so, -ENOMEM; with a message. */
int tm__read_flows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE]);

#endif
