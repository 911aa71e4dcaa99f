/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_STALE_FILES_H
#define TM_STALE_FILES_H

#include "state/layout.h"

/*
 * Removes the files in an open directory whose processes have marked their end, and are gone. Only some processes do
 * this, see stale_files.c.
 */
void tm__remove_stale_files(int directory, const struct tm__head *head);

#endif
