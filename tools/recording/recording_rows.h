/* SPDX-License-Identifier: BSD-3-Clause */
/* A reading as tables of rows, and rows as bytes: only the changes are written. */
#ifndef TM_RECORDING_ROWS_H
#define TM_RECORDING_ROWS_H

#include "recording/recording_bytes.h"
#include "recording/recording_kinds.h"

void rows_reserve(enum row_kind kind, struct rows *rows, size_t count);
size_t row_size(enum row_kind kind);

/* Copies an array of a reading into rows, and sorts them. A row with an impossible value is left out. */
void rows_set(enum row_kind kind, struct rows *rows, const void *array, size_t count);

/* Appends the changes that turn `before` into `after`. */
void rows_put_changes(enum row_kind kind, struct bytes *bytes, const struct rows *before, const struct rows *after);

/*
 * Makes `after` from `before` and the changes. False if the changes are invalid. The two must not be the same object.
 */
bool rows_take_changes(enum row_kind kind, int version, struct view *view, const struct rows *before,
                       struct rows *after);

#endif
