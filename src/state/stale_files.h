/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_STALE_FILES_H
#define TM_STALE_FILES_H

#include "state/layout.h"

/* Removes files, in an open directory, of processes that said so and are gone. Now and then, see there. */
void tm__remove_stale_files(int directory, const struct tm__head *head);

#endif
