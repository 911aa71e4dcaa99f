/* SPDX-License-Identifier: BSD-3-Clause */
/* What a reading consists of, as tables of rows, and rows as bytes: only what has changed. */
#ifndef TM_RECORDING_ROWS_H
#define TM_RECORDING_ROWS_H

#include "recording/recording_bytes.h"
#include "recording/recording_kinds.h"

void rows_reserve(enum row_kind kind, struct rows *rows, size_t count);
size_t row_size(enum row_kind kind);

/* Makes rows of an array of what a reading has of the kind: copies and sorts. What is out of all bounds is left out. */
void rows_set(enum row_kind kind, struct rows *rows, const void *array, size_t count);

/* Appends what makes `after` of `before`. */
void rows_put_changes(enum row_kind kind, struct bytes *bytes, const struct rows *before, const struct rows *after);

/* Makes `after` of `before` and the changes; false if they are none. `after` is another one than `before`. */
bool rows_take_changes(enum row_kind kind, int version, struct view *view, const struct rows *before,
                       struct rows *after);

#endif
